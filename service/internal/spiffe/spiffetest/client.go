package spiffetest

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"os"
	"path/filepath"
	"time"

	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
)

func fetchFiles(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("fetch", flag.ContinueOnError)
	socket := flags.String("socket", "", "path of the Workload API")
	audience := flags.String("audience", "", "whom a JWT-SVID is for")
	dir := flags.String("dir", ".", "where the files go")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client, err := workloadapi.New(ctx, workloadapi.WithAddr("unix://"+*socket))
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	all, err := client.FetchX509Context(ctx)
	if err != nil {
		return err
	}
	certs, key, err := all.DefaultSVID().Marshal()
	if err != nil {
		return err
	}
	bundle, err := all.Bundles.GetX509BundleForTrustDomain(all.DefaultSVID().ID.TrustDomain())
	if err != nil {
		return err
	}
	files := map[string][]byte{"svid.pem": certs, "key.pem": key, "bundle.pem": certificatesPEM(bundle.X509Authorities())}
	if *audience != "" {
		token, err := client.FetchJWTSVID(ctx, jwtsvid.Params{Audience: *audience})
		if err != nil {
			return err
		}
		files["token"] = []byte(token.Marshal())
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(*dir, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func certificatesPEM(certs []*x509.Certificate) []byte {
	var text []byte
	for _, cert := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return text
}
