package demo

import (
	"bytes"
	"fmt"
	"image"
	"testing"
)

// About two thirds of the customers show a picture, each one always the same.
func TestPortraits(t *testing.T) {
	with, different := 0, map[string]bool{}
	for i := range 300 {
		user := fmt.Sprintf("U%032x", i*7919)
		if portraitOf("http://127.0.0.1:1", user) == "" {
			continue
		}
		with++
		if with > 12 {
			continue
		}
		one, err := portrait(user)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := portrait(user)
		if size, kind, err := image.DecodeConfig(bytes.NewReader(one)); err != nil || kind != "jpeg" || size.Width != size.Height || !bytes.Equal(one, again) {
			t.Errorf("%s: %v %s %v", user, size, kind, err)
		}
		different[string(one)] = true
	}
	if with < 170 || with > 230 || len(different) < 11 {
		t.Errorf("%d of 300 have a picture, %d of 12 are different", with, len(different))
	}
}
