package strictjson_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/narrowcast-io/narrowcast/internal/strictjson"
)

// FuzzStrictJSON: whatever is accepted, encoding/json accepts too, and both
// understand the same.
func FuzzStrictJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":"\ud83d\ude00","b":[1,-2.5e-7,{"c":null}],"":true}`, `{"a":1,"\u0061":2}`, "{\"a\":\"\u007f\u2028\"}",
		`{"a":"\`, `{"a":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}`, `{"\ud800":1}`, "{\"\xff\":1}", ` {"a" : 1e400 } `, `{"a":1}]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ours := map[string]any{}
		if err := strictjson.Object(text, func(name string, v strictjson.Value) (err error) {
			ours[name], err = meaning(v)
			return err
		}); err != nil {
			return
		}
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		theirs := map[string]any{}
		if err := decoder.Decode(&theirs); err != nil {
			t.Fatalf("we accept %q, encoding/json says %v", text, err)
		}
		if decoder.More() || !json.Valid([]byte(text)) {
			t.Fatalf("we accept what follows the object in %q", text)
		}
		if !reflect.DeepEqual(ours, theirs) {
			t.Fatalf("%q means %v to us and %v to encoding/json", text, ours, theirs)
		}
	})
}

// meaning turns a value into what encoding/json would make of it.
func meaning(v strictjson.Value) (any, error) {
	switch v.Kind() {
	case strictjson.Null:
		return nil, nil
	case strictjson.Bool:
		return v.True(), nil
	case strictjson.Number:
		return json.Number(v.Raw()), nil
	case strictjson.String:
		s, _ := v.Text()
		return s, nil
	case strictjson.Array:
		list := []any{}
		err := v.Elements(func(e strictjson.Value) error {
			one, err := meaning(e)
			list = append(list, one)
			return err
		})
		return list, mustHold(err)
	case strictjson.Struct:
		object := map[string]any{}
		err := v.Object(func(name string, m strictjson.Value) (err error) {
			object[name], err = meaning(m)
			return err
		})
		return object, mustHold(err)
	}
	return nil, errors.New("a value of no kind")
}

// mustHold: nested values are checked before they are shown, so a second walk
// cannot fail.
func mustHold(err error) error {
	if err != nil {
		panic(fmt.Sprintf("a checked value fails: %v", err))
	}
	return nil
}
