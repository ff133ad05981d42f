package main

import (
	"slices"
	"testing"
)

// Inside another run there is a socket already. Of two variables with one name a
// command may read either.
func TestACommandSeesOneSocket(t *testing.T) {
	have := []string{"PATH=/bin", "NARROWCAST_SOCKET=/outer", "NARROWCAST_TASK=outer", "NARROWCAST_SOCKETS=3"}
	got := environment(have, "NARROWCAST_SOCKET=/inner", "NARROWCAST_TASK=inner")
	if want := []string{"PATH=/bin", "NARROWCAST_SOCKETS=3", "NARROWCAST_SOCKET=/inner", "NARROWCAST_TASK=inner"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if have[1] != "NARROWCAST_SOCKET=/outer" {
		t.Error("the environment of the process was altered")
	}
}

func TestANameStandsForOneResource(t *testing.T) {
	a := command(t.TempDir())
	if doors, err := a.namedDoors(t.Context(), []string{"a=https://pay.example.test", "a=https://pay.example.test", "https://crm.example.test"}); err != nil || len(doors) != 3 {
		t.Errorf("control: %v, %v", doors, err)
	}
	if _, err := a.namedDoors(t.Context(), []string{"a=https://pay.example.test", "a=https://crm.example.test"}); err == nil {
		t.Error("one name for two resources")
	}
}
