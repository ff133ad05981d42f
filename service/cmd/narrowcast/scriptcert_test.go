package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"time"
)

// certMain is the command "cert" of the scripts. It writes NAME.pem and NAME.key:
// a certificate that signs itself, or one of the authority that -by names by its
// files.
func certMain(args []string) int {
	f := flag.NewFlagSet("cert", flag.ContinueOnError)
	by := f.String("by", "", "the authority: NAME of its files; default the certificate itself")
	authority := f.Bool("ca", false, "the certificate is that of an authority")
	dns := f.String("dns", "", "a DNS name")
	ip := f.String("ip", "", "an IP address")
	uri := f.String("uri", "", "a URI, such as a SPIFFE ID")
	if f.Parse(args) != nil || f.NArg() != 1 {
		return 2
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: f.Arg(0)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: *authority, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	if *authority {
		template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageCertSign, nil
	}
	if *dns != "" {
		template.DNSNames = []string{*dns}
	}
	if *ip != "" {
		template.IPAddresses = []net.IP{net.ParseIP(*ip)}
	}
	if *uri != "" {
		name, err := url.Parse(*uri)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 2
		}
		template.URIs = []*url.URL{name}
	}
	if err := writePair(f.Arg(0), *by, template); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func writePair(name, by string, template *x509.Certificate) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	parent, signer := template, any(private)
	if by != "" {
		authority, err := tls.LoadX509KeyPair(by+".pem", by+".key")
		if err != nil {
			return err
		}
		parent, signer = authority.Leaf, authority.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, private.Public(), signer)
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(private)
	return errors.Join(err,
		os.WriteFile(name+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(name+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
}
