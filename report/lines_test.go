package report_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/narrowcast-io/narrowcast/event"
	"github.com/narrowcast-io/narrowcast/report"
)

func TestLinesCanBeReadBack(t *testing.T) {
	var b bytes.Buffer
	l := report.NewLines(&b)
	l.Record(rejection("one"))
	l.Record(presentation("two"))
	var got []event.Event
	if err := event.Read(&b, func(e event.Event) error { got = append(got, e); return nil }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ids(got), []string{"one", "two"}) || l.Errors() != 0 {
		t.Errorf("read %v, %d errors", ids(got), l.Errors())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestLinesCountsWhatCouldNotBeWritten(t *testing.T) {
	for _, l := range []*report.Lines{report.NewLines(full{}), new(report.Lines)} {
		l.Record(rejection("one"))
		l.Record(rejection("two"))
		if l.Errors() != 2 {
			t.Errorf("%d errors", l.Errors())
		}
	}
}
