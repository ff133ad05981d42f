package main

import (
	"context"
	"fmt"
	"io"

	"github.com/narrowcast-io/narrowcast/service/internal/store"
)

// copyReport is what store copy says.
type copyReport struct {
	Records   int    `json:"records"`
	Revisions int    `json:"revisions"`
	Keys      int    `json:"keys"`
	Live      int    `json:"live_ids"` // used up, and not free again
	Settings  string `json:"settings"` // the lines that name the copy
}

func (r copyReport) writeText(w io.Writer, file string) error {
	_, err := fmt.Fprintf(w, `copied, and the chain is intact in the copy:
  records    %d
  revisions  %d
  keys       %d
  used ids   %d

Put these lines into %s, in place of those for database or postgres:

%s
Everything else stays, master_key_file above all: it opens the keys that were copied.
The old store is as it was. Serve from one of the two only: what is used up in one
is not used up in the other.
`, r.Records, r.Revisions, r.Keys, r.Live, file, r.Settings)
	return err
}

// counter counts what a store takes over.
type counter struct {
	store.Target
	report copyReport
}

// Import counts anew.
func (c *counter) Import(ctx context.Context, fill func(store.Intake) error) error {
	return c.Target.Import(ctx, func(in store.Intake) error {
		c.report = copyReport{}
		return fill(countedIntake{in, &c.report})
	})
}

type countedIntake struct {
	store.Intake
	report *copyReport
}

func (in countedIntake) Records(ctx context.Context, records []store.Record) error {
	in.report.Records += len(records)
	return in.Intake.Records(ctx, records)
}

func (in countedIntake) Revision(ctx context.Context, r store.Revision) error {
	in.report.Revisions++
	return in.Intake.Revision(ctx, r)
}

func (in countedIntake) Key(ctx context.Context, k store.Key) error {
	in.report.Keys++
	return in.Intake.Key(ctx, k)
}

func (in countedIntake) Used(ctx context.Context, once []store.Once) error {
	in.report.Live += len(once)
	return in.Intake.Used(ctx, once)
}
