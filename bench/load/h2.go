// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const (
	// What Go's own HTTP/2 client, and so kubectl, announces.
	streamWindow     = 4 << 20
	connectionWindow = 1 << 30
	defaultWindow    = 65535
)

// Of the client's own, since net/http costs several times the hops that are to be measured. One goroutine owns a
// connection: it writes requests and calls `read` for one frame at a time.
type h2Conn struct {
	raw        *tls.Conn
	out        *bufio.Writer
	framer     *http2.Framer
	fields     bytes.Buffer
	encoder    *hpack.Encoder
	authority  string
	nextStream uint32
	owed       uint32            // received and not yet given back, connection
	owedStream map[uint32]uint32 // the same for streams of more than a window
	credit     int64             // what we may send, connection
	creditOf   map[uint32]int64  // the same for streams that have a body
	initial    int64             // the peer's SETTINGS_INITIAL_WINDOW_SIZE
	frameSize  int
	plain      bool // asks for no compression
	leaving    bool // the server wants new requests elsewhere; it still answers those up to lastStream
	lastStream uint32
	watching   int // watches that have not ended
}

// What `read` found, beyond what it answers by itself.
type h2Event struct {
	stream uint32
	status int    // of a HEADERS frame
	data   []byte // valid until the next read
	ended  bool
	credit bool // more may be sent
}

type streamReset struct {
	stream uint32
	code   http2.ErrCode
}

func (e streamReset) Error() string { return fmt.Sprintf("stream %d reset: %v", e.stream, e.code) }

func dialTLS(ctx context.Context, spec *Spec, config *tls.Config) (*tls.Conn, error) {
	dialer := tls.Dialer{Config: config}
	conn, err := dialer.DialContext(ctx, "tcp", spec.Address)
	if err != nil {
		return nil, err
	}
	raw := conn.(*tls.Conn)
	if got := raw.ConnectionState().NegotiatedProtocol; got != spec.Protocol {
		raw.Close()
		return nil, fmt.Errorf("%s negotiated %q instead of %q", spec.Address, got, spec.Protocol)
	}
	return raw, nil
}

func dialH2(spec *Spec, config *tls.Config) (*h2Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	raw, err := dialTLS(ctx, spec, config)
	if err != nil {
		return nil, err
	}
	c := &h2Conn{
		raw: raw, out: bufio.NewWriterSize(raw, 32<<10), authority: spec.ServerName, nextStream: 1,
		owedStream: map[uint32]uint32{}, creditOf: map[uint32]int64{},
		credit: defaultWindow, initial: defaultWindow, frameSize: 16 << 10, plain: spec.Plain,
	}
	c.framer = http2.NewFramer(c.out, bufio.NewReaderSize(raw, 32<<10))
	c.framer.SetReuseFrames()
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	c.encoder = hpack.NewEncoder(&c.fields)
	_, err = io.WriteString(c.out, http2.ClientPreface)
	if err == nil {
		err = c.framer.WriteSettings(
			http2.Setting{ID: http2.SettingEnablePush, Val: 0},
			http2.Setting{ID: http2.SettingInitialWindowSize, Val: streamWindow})
	}
	if err == nil {
		err = c.framer.WriteWindowUpdate(0, connectionWindow)
	}
	if err == nil {
		err = c.out.Flush()
	}
	return c, err
}

func (c *h2Conn) close() { c.raw.NetConn().Close() }

// Buffers a request; flush sends it.
func (c *h2Conn) request(method, path string, body bool) (uint32, error) {
	return c.requestOf(method, path, "", body)
}

func (c *h2Conn) requestOf(method, path, contentType string, body bool) (uint32, error) {
	stream := c.nextStream
	c.nextStream += 2
	c.fields.Reset()
	for _, f := range [...][2]string{
		{":method", method}, {":authority", c.authority}, {":scheme", "https"}, {":path", path},
		{"accept", "application/json"}, {"user-agent", "roadstead-bench/1 (linux/amd64)"}, {"accept-encoding", "gzip"},
		{"content-type", contentType},
	} {
		if f[1] == "" || (c.plain && f[0] == "accept-encoding") {
			continue
		}
		if err := c.encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			return 0, err
		}
	}
	if body {
		c.creditOf[stream] = c.initial
	}
	return stream, c.framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: c.fields.Bytes(), EndHeaders: true, EndStream: !body,
	})
}

// Buffers a request with a small body, which must fit into what the server takes at once.
func (c *h2Conn) requestWith(method, path, contentType string, body []byte) (uint32, error) {
	if len(body) == 0 {
		return c.requestOf(method, path, "", false)
	}
	size := int64(len(body))
	if size > c.credit || size > min(c.initial, int64(c.frameSize)) {
		return 0, fmt.Errorf("the server takes no body of %d bytes now", size)
	}
	stream, err := c.requestOf(method, path, contentType, true)
	if err != nil {
		return 0, err
	}
	delete(c.creditOf, stream)
	c.credit -= size
	return stream, c.framer.WriteData(stream, true, body)
}

func (c *h2Conn) flush() error { return c.out.Flush() }

func (c *h2Conn) reset(stream uint32) error {
	delete(c.owedStream, stream)
	return c.framer.WriteRSTStream(stream, http2.ErrCodeCancel)
}

// Reads one frame. A reset stream is a streamReset; other errors end the connection.
func (c *h2Conn) read() (h2Event, error) {
	frame, err := c.framer.ReadFrame()
	if err != nil {
		return h2Event{}, err
	}
	switch f := frame.(type) {
	case *http2.MetaHeadersFrame:
		event := h2Event{stream: f.StreamID, ended: f.StreamEnded()}
		if text := f.PseudoValue("status"); text != "" {
			if _, err := fmt.Sscanf(text, "%d", &event.status); err != nil {
				return event, err
			}
		}
		return event, nil
	case *http2.DataFrame:
		return h2Event{stream: f.StreamID, data: f.Data(), ended: f.StreamEnded()}, c.give(f)
	case *http2.SettingsFrame:
		return h2Event{credit: true}, c.settings(f)
	case *http2.WindowUpdateFrame:
		if f.StreamID == 0 {
			c.credit += int64(f.Increment)
		} else if _, ours := c.creditOf[f.StreamID]; ours {
			c.creditOf[f.StreamID] += int64(f.Increment)
		}
		return h2Event{stream: f.StreamID, credit: true}, nil
	case *http2.PingFrame:
		if f.IsAck() {
			return h2Event{}, nil
		}
		if err := c.framer.WritePing(true, f.Data); err != nil {
			return h2Event{}, err
		}
		return h2Event{}, c.flush()
	case *http2.RSTStreamFrame:
		return h2Event{stream: f.StreamID}, streamReset{f.StreamID, f.ErrCode}
	case *http2.GoAwayFrame:
		if f.ErrCode == http2.ErrCodeNo {
			c.leaving, c.lastStream = true, f.LastStreamID
			return h2Event{}, nil
		}
		return h2Event{}, fmt.Errorf("GOAWAY: %v", f.ErrCode)
	}
	return h2Event{}, nil
}

func (c *h2Conn) settings(f *http2.SettingsFrame) error {
	if f.IsAck() {
		return nil
	}
	if v, ok := f.Value(http2.SettingInitialWindowSize); ok {
		for stream := range c.creditOf {
			c.creditOf[stream] += int64(v) - c.initial
		}
		c.initial = int64(v)
	}
	if err := c.framer.WriteSettingsAck(); err != nil {
		return err
	}
	return c.flush()
}

// Gives credit back for what was received, a quarter of the window at a time.
func (c *h2Conn) give(f *http2.DataFrame) error {
	n := f.Length
	c.owed += n
	written := false
	if c.owed >= streamWindow/4 {
		if err := c.framer.WriteWindowUpdate(0, c.owed); err != nil {
			return err
		}
		c.owed, written = 0, true
	}
	if f.StreamEnded() {
		delete(c.owedStream, f.StreamID)
	} else if owed := c.owedStream[f.StreamID] + n; owed >= streamWindow/4 {
		if err := c.framer.WriteWindowUpdate(f.StreamID, owed); err != nil {
			return err
		}
		c.owedStream[f.StreamID], written = 0, true
	} else {
		c.owedStream[f.StreamID] = owed
	}
	if written {
		return c.flush()
	}
	return nil
}

// Sends as much of `chunk` as credit allows, in one frame.
func (c *h2Conn) send(stream uint32, chunk []byte) (int, error) {
	n := min(int64(len(chunk)), int64(c.frameSize), c.credit, c.creditOf[stream])
	if n <= 0 {
		return 0, nil
	}
	c.credit -= n
	c.creditOf[stream] -= n
	return int(n), c.framer.WriteData(stream, false, chunk[:n])
}
