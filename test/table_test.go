package test_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/test"
)

func table(t *testing.T, text string) (*test.Table, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return test.ReadTable(file)
}

func TestTableExplainsOneByOne(t *testing.T) {
	list, err := table(t, "# comment\n\na/1  because\nb/2  since\n")
	if err != nil || !list.Explains("a/1") || list.Explains("a/2") || list.Explains("") {
		t.Fatalf("list = %v, %v", list, err)
	}
	if unused := list.Unused(); len(unused) != 1 || unused[0] != "b/2" {
		t.Errorf("unused = %q", unused)
	}
	for text, want := range map[string]string{"a/1\n": "has no reason", "a/1  x\na/1  y\n": "stands twice"} {
		if _, err := table(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := test.ReadTable("testdata/absent.txt"); err == nil {
		t.Error("a list that is not there was read")
	}
}
