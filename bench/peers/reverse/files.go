// SPDX-License-Identifier: Apache-2.0

package reverse

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"os"
)

// Identity is a certificate with its key and the authority of the other side's certificate. Files are PEM.
type Identity struct {
	certificate, key, authority string
}

// Flags adds --certificate, --key and --authority.
func (i *Identity) Flags(flags *flag.FlagSet) {
	flags.StringVar(&i.certificate, "certificate", "", "PEM file: what this program shows to everybody")
	flags.StringVar(&i.key, "key", "", "PEM file of its key")
	flags.StringVar(&i.authority, "authority", "", "PEM file: the CA of everybody else's certificates")
}

func (i *Identity) load() (tls.Certificate, *x509.CertPool, error) {
	pair, err := tls.LoadX509KeyPair(i.certificate, i.key)
	if err != nil {
		return pair, nil, err
	}
	pem, err := os.ReadFile(i.authority)
	if err != nil {
		return pair, nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return pair, nil, fmt.Errorf("%s holds no certificate", i.authority)
	}
	return pair, pool, nil
}

// Server is TLS 1.3 that wants a certificate of the other side.
func (i *Identity) Server(protocols ...string) (*tls.Config, error) {
	pair, pool, err := i.load()
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
		NextProtos: protocols, MinVersion: tls.VersionTLS13,
	}, nil
}

// Client is TLS 1.3 to a server of this name.
func (i *Identity) Client(name string, protocols ...string) (*tls.Config, error) {
	pair, pool, err := i.load()
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, errors.New("the name in the other side's certificate is needed")
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, RootCAs: pool, ServerName: name, NextProtos: protocols,
		MinVersion: tls.VersionTLS13,
	}, nil
}
