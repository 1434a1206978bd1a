package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A broker that wants TLS and SASL lets in who has the right flags, and nobody else.
func TestKafkaSecurity(t *testing.T) {
	cert, ca := selfSigned(t)
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", "me", "secret"), kfake.Superuser("SCRAM-SHA-512", "you", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	for name, c := range map[string]struct {
		security Security
		ok       bool
	}{
		"plain":         {Security{TLSCA: ca, SASL: "plain", SASLUser: "me", SASLPassword: "secret"}, true},
		"scram":         {Security{TLSCA: ca, SASL: "scram-sha-512", SASLUser: "you", SASLPassword: "secret"}, true},
		"wrong secret":  {Security{TLSCA: ca, SASL: "plain", SASLUser: "me", SASLPassword: "guess"}, false},
		"no SASL":       {Security{TLSCA: ca, SASL: "none"}, false},
		"unknown CA":    {Security{TLS: true, SASL: "plain", SASLUser: "me", SASLPassword: "secret"}, false},
		"no TLS":        {Security{SASL: "plain", SASLUser: "me", SASLPassword: "secret"}, false},
		"no user":       {Security{TLSCA: ca, SASL: "plain"}, false},
		"half a key":    {Security{TLSCert: ca}, false},
		"CA is no cert": {Security{TLSCA: os.DevNull}, false},
	} {
		if err := tryKafka(broker.ListenAddrs(), c.security); (err == nil) != c.ok {
			t.Errorf("%s: %v, want success %v", name, err, c.ok)
		}
	}
}

func tryKafka(brokers []string, s Security) error {
	g := &Globals{Brokers: brokers, Security: s}
	cl, err := g.NewClient(kgo.RetryTimeout(time.Second), kgo.DialTimeout(time.Second))
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return cl.Ping(ctx)
}

// selfSigned makes a certificate for loopback and the file that trusts it.
func selfSigned(t *testing.T) (cert tls.Certificate, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, caFile
}

// What is printed at a start hides the password.
func TestEffectiveHidesSecrets(t *testing.T) {
	var m Main
	m.Out, m.Err = io.Discard, io.Discard
	parser, err := newParser(&m, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	kctx, err := parser.Parse([]string{"run", "--sasl-password", "s3cret", "--sasl-user", "me", "--commit-interval", "70ms"})
	if err != nil {
		t.Fatal(err)
	}
	got := effective(kctx)
	if slices.Contains(got, any("s3cret")) {
		t.Errorf("the password is printed: %v", got)
	}
	for _, want := range []any{"sasl-password", "(hidden)", "sasl-user", "me", "commit-interval", "70ms"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %v in %v", want, got)
		}
	}
}
