package web

import "testing"

func TestALinkOfHerPageHasAName(t *testing.T) {
	const link = `<a href="https://counter.test/my/ab.c-1_Z" target="_blank" rel="noopener noreferrer nofollow">`
	for name, c := range map[string]struct{ text, want string }{
		"hers":           {"See https://counter.test/my/ab.c-1_Z.", "See " + link + "Her &lt;page&gt;</a>."},
		"another page":   {"https://counter.test/mybrand", string(linked("https://counter.test/mybrand"))},
		"something else": {"https://counter.test/my/a/b", string(linked("https://counter.test/my/a/b"))},
		"another house":  {"https://counter.test.evil.example/my/ab", string(linked("https://counter.test.evil.example/my/ab"))},
		"no link at all": {"<b>https</b>", "&lt;b&gt;https&lt;/b&gt;"},
	} {
		if got := string(pageNamed(linked(c.text), "https://counter.test", "Her <page>")); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
