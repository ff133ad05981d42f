package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestCounts(t *testing.T) {
	cases := map[string]struct {
		stream string
		want   counts
		shown  string
	}{
		"all green": {
			`{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA/x"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Elapsed":0.5}`, counts{2, 0}, "ok"},
		"one red, its output is shown": {
			`{"Action":"output","Package":"p","Test":"TestA","Output":"door open\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestB"}
{"Action":"fail","Package":"p"}`, counts{1, 1}, "door open"},
		"a package that does not build is one failure": {
			`{"ImportPath":"p","Action":"build-output","Output":"undefined: lock\n"}
{"ImportPath":"p","Action":"build-fail"}
{"Action":"fail","Package":"p","FailedBuild":"p"}`, counts{0, 1}, "undefined: lock"},
		"a package that dies is one failure": {
			`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: no key\n"}
{"Action":"fail","Package":"p"}`, counts{0, 1}, "panic: no key"},
		"a package without tests is nothing": {
			`{"Action":"skip","Package":"p"}`, counts{}, ""},
		"what is not JSON is passed on": {
			"go: no such module\n", counts{}, "no such module"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var shown strings.Builder
			got, err := read(strings.NewReader(c.stream), &shown)
			if err != nil || got != c.want || !strings.Contains(shown.String(), c.shown) {
				t.Errorf("read = %+v, %v; shown:\n%s", got, err, shown.String())
			}
		})
	}
}

func TestOutputOfGreenTestsIsNotShown(t *testing.T) {
	var shown strings.Builder
	_, err := read(strings.NewReader(`{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`), &shown)
	if err != nil || strings.Contains(shown.String(), "chatter") {
		t.Errorf("err = %v; shown:\n%s", err, shown.String())
	}
}

func TestCountsAddUpOverRuns(t *testing.T) {
	name := filepath.Join(t.TempDir(), "counts")
	for _, c := range []counts{{3, 0}, {4, 2}} {
		if err := save(name, c); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := load(name); err != nil || got != (counts{7, 2}) {
		t.Errorf("load = %+v, %v", got, err)
	}
}
