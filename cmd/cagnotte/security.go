package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// Security says how Kafka is reached: TLS, client certificates, SASL.
type Security struct {
	TLS          bool   `help:"Use TLS towards Kafka (implied by the other TLS flags)."`
	TLSCA        string `name:"tls-ca" type:"existingfile" help:"PEM file with the authorities to trust; default: the system's." placeholder:"FILE"`
	TLSCert      string `name:"tls-cert" type:"existingfile" help:"PEM file with the client certificate." placeholder:"FILE"`
	TLSKey       string `name:"tls-key" type:"existingfile" help:"PEM file with the client key." placeholder:"FILE"`
	SASL         string `name:"sasl" enum:"none,plain,scram-sha-256,scram-sha-512" default:"none" help:"SASL mechanism: plain, scram-sha-256, scram-sha-512."`
	SASLUser     string `name:"sasl-user" help:"SASL user." placeholder:"USER"`
	SASLPassword string `name:"sasl-password" help:"SASL password; better given as CAGNOTTE_SASL_PASSWORD." placeholder:"SECRET" secret:""`
}

func (s *Security) clientOpts() ([]kgo.Opt, error) {
	var opts []kgo.Opt
	if s.TLS || s.TLSCA != "" || s.TLSCert != "" {
		conf, err := s.tlsConfig()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(conf))
	}
	if mech := s.mechanism(); mech != nil {
		if s.SASLUser == "" || s.SASLPassword == "" {
			return nil, exitf(ExitUsage, "--sasl %s needs --sasl-user and CAGNOTTE_SASL_PASSWORD", s.SASL)
		}
		opts = append(opts, kgo.SASL(mech))
	}
	return opts, nil
}

func (s *Security) tlsConfig() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.TLSCA != "" {
		pem, err := os.ReadFile(s.TLSCA)
		if err != nil {
			return nil, exitf(ExitUsage, "--tls-ca: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, exitf(ExitUsage, "--tls-ca: %s holds no PEM certificate", s.TLSCA)
		}
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return nil, exitf(ExitUsage, "--tls-cert and --tls-key go together")
	}
	if s.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey)
		if err != nil {
			return nil, exitf(ExitUsage, "--tls-cert: %w", err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	return conf, nil
}

func (s *Security) mechanism() sasl.Mechanism {
	auth := scram.Auth{User: s.SASLUser, Pass: s.SASLPassword}
	switch s.SASL {
	case "plain":
		return plain.Auth{User: s.SASLUser, Pass: s.SASLPassword}.AsMechanism()
	case "scram-sha-256":
		return auth.AsSha256Mechanism()
	case "scram-sha-512":
		return auth.AsSha512Mechanism()
	default:
		return nil
	}
}
