// SPDX-License-Identifier: Apache-2.0

// Package reverse is what stands in front of a peer's tunnel, where OCM and Rancher have their own: an HTTPS reverse proxy
// that ends the user's TLS and opens TLS to the API server through the tunnel. It checks certificates and nothing else:
// no identity is translated and nothing is recorded, which is in the peers' favour.
package reverse

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// Dial opens a connection from the far end of the tunnel.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Proxy is the settings of a hub side.
type Proxy struct {
	Identity
	Agents     string // where the agent side dials
	listen     string
	origin     string
	originName string
	protocol   string
}

// Flags adds all settings of a hub side.
func (p *Proxy) Flags(flags *flag.FlagSet) {
	p.Identity.Flags(flags)
	flags.StringVar(&p.Agents, "agents", "127.0.0.1:0", "address for the agent side")
	flags.StringVar(&p.listen, "listen", "127.0.0.1:0", "address for users")
	flags.StringVar(&p.origin, "origin", "", "HOST:PORT of the API server, as the agent side dials it")
	flags.StringVar(&p.originName, "origin-name", "", "the name in the API server's certificate")
	flags.StringVar(&p.protocol, "origin-protocol", "http/1.1", "http/1.1 or h2, with the API server")
}

// Serve ends with an error only.
func (p *Proxy) Serve(dial Dial) error {
	transport, err := p.transport(dial)
	if err != nil {
		return err
	}
	config, err := p.Server("h2", "http/1.1")
	if err != nil {
		return err
	}
	target := &url.URL{Scheme: "https", Host: p.origin}
	handler := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = p.originName
		},
		Transport: transport,
		// Events of a watch must not wait for more.
		FlushInterval: -1,
		BufferPool:    &buffers{},
	}
	socket, err := net.Listen("tcp", p.listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, TLSConfig: config, ReadHeaderTimeout: time.Minute}
	return server.ServeTLS(socket, "", "")
}

func (p *Proxy) transport(dial Dial) (*http.Transport, error) {
	if p.protocol != "http/1.1" && p.protocol != "h2" {
		return nil, fmt.Errorf("--origin-protocol %s: http/1.1 and h2 are known", p.protocol)
	}
	config, err := p.Client(p.originName, p.protocol)
	if err != nil {
		return nil, err
	}
	var protocols http.Protocols
	protocols.SetHTTP1(p.protocol == "http/1.1")
	protocols.SetHTTP2(p.protocol == "h2")
	return &http.Transport{
		DialContext: dial, TLSClientConfig: config, Protocols: &protocols,
		// Connections through the tunnel are kept, as many as there are requests at a time: dialling anew costs a
		// round trip of the tunnel and a handshake.
		MaxIdleConnsPerHost: 4096, IdleConnTimeout: 10 * time.Minute,
		DisableCompression: true, WriteBufferSize: pieceBytes, ReadBufferSize: pieceBytes,
	}, nil
}

const pieceBytes = 32 << 10

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if held, ok := b.pool.Get().(*[]byte); ok {
		return *held
	}
	return make([]byte, pieceBytes)
}

func (b *buffers) Put(piece []byte) { b.pool.Put(&piece) }
