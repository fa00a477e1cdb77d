package staff

import (
	"errors"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

const quiet = "a quiet morning"

// withPassword adds an advisor who can sign in. Her hash has cheap parameters: these tests
// are about what happens around it.
func withPassword(t *testing.T, d *db.DB, email string) Person {
	t.Helper()
	p := addPerson(t, d, StaffForm{Email: email, Name: "Mei", Role: Advisor})
	cheap := hashed{memory: 64, passes: 1, threads: 1, salt: []byte("0123456789abcdef"), sum: make([]byte, 32)}
	write(t, d, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE staff SET password_hash = $2 WHERE id = $1`, p.ID, cheap.compute(quiet).String())
		return err
	})
	return p
}

func viewerOf(t *testing.T, d *db.DB, token string) (v Viewer, err error) {
	t.Helper()
	err = d.Read(t.Context(), func(tx *db.Tx) (err error) {
		v, err = ViewerBySession(tx, token)
		return err
	})
	return v, err
}

func signIn(t *testing.T, d *db.DB, c Credentials) (string, Viewer) {
	t.Helper()
	token, v, err := doorOf(t, d).SignIn(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return token, v
}

func TestSignIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		newGroup(t, d)
		p := withPassword(t, d, "mei@example.com")
		good := Credentials{Email: " MEI@example.com", Password: quiet, Address: "192.0.2.7", UserAgent: "Phone\x00 " + strings.Repeat("百", 100)}
		token, v := signIn(t, d, good)
		again, err := viewerOf(t, d, token)
		if err != nil || v.ID != p.ID || again.ID != p.ID || v.Session == "" || again.Session != v.Session || again.TouchDue {
			t.Errorf("got %+v and %+v, %v", v, again, err)
		}
		other, _ := signIn(t, d, good)
		if other == token {
			t.Error("two sign-ins have one token")
		}
		for name, c := range map[string]Credentials{
			"wrong password": {Email: "mei@example.com", Password: "a loud morning"},
			"nobody":         {Email: "nobody@example.com", Password: quiet},
			"no password":    {Email: "ada@example.com"},
			"never set":      {Email: "ada@example.com", Password: quiet},
			"hostile":        {Email: "\x00\xff' OR 1=1", Password: "\x00\xff"},
		} {
			t.Run(name, func(t *testing.T) {
				token, v, err := doorOf(t, d).SignIn(t.Context(), c)
				if !errors.Is(err, ErrWrongPassword) || token != "" || v.ID != "" {
					t.Errorf("got %q, %+v, %v", token, v, err)
				}
			})
		}
		read(t, d, func(tx *db.Tx) error {
			var stored string
			if err := tx.QueryRow(`SELECT password_hash FROM staff WHERE id = $1`, p.ID).Scan(&stored); err != nil {
				return err
			}
			if h, err := parseHash(stored); err != nil || !h.current() {
				t.Errorf("the outdated hash was kept: %v", err)
			}
			var plain int
			if err := tx.QueryRow(`SELECT COUNT(*) FROM session WHERE token_hash = $1`, token).Scan(&plain); err != nil {
				return err
			}
			if plain > 0 {
				t.Error("the token is stored as it is")
			}
			list, err := Sessions(tx, p.ID)
			if len(list) != 2 || list[0].Address != "192.0.2.7" || !strings.HasPrefix(list[0].UserAgent, "Phone 百") || len(list[0].UserAgent) > 200 {
				t.Errorf("got %+v", list)
			}
			return err
		})
	})
}

func TestThrottle(t *testing.T) {
	eachFrozen(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		withPassword(t, d, "mei@example.com")
		try := func(password string) error {
			_, _, err := doorOf(t, d).SignIn(t.Context(), Credentials{Email: "mei@example.com", Password: password})
			return err
		}
		// Five are free, then each further one costs a wait.
		for i := range freeByEmail {
			if err := try("wrong"); !errors.Is(err, ErrWrongPassword) {
				t.Fatalf("try %d: %v", i+1, err)
			}
		}
		for i, minutes := range []time.Duration{1, 2, 4, 8, 15, 15} {
			var throttled ErrThrottled
			if err := try(quiet); !errors.As(err, &throttled) {
				t.Fatalf("after %d: even the right password must wait, got %v", i, err)
			}
			if want := d.Now().Add(minutes * time.Minute); !throttled.Until.Equal(want) {
				t.Fatalf("wait %d lasts until %v, want %v", i, throttled.Until, want)
			}
			clock.Advance(minutes*time.Minute - time.Second)
			if err := try(quiet); !errors.As(err, &throttled) {
				t.Fatalf("a second too early: %v", err)
			}
			clock.Advance(time.Second)
			if err := try("wrong"); !errors.Is(err, ErrWrongPassword) {
				t.Fatalf("after wait %d: %v", i, err)
			}
		}
		clock.Advance(longestWait)
		if err := try(quiet); err != nil {
			t.Fatal(err)
		}
		// The right password starts the count anew.
		for range freeByEmail {
			if err := try("wrong"); !errors.Is(err, ErrWrongPassword) {
				t.Fatal(err)
			}
		}
		// So does a quiet hour.
		clock.Advance(time.Minute + forgetAfter + time.Second)
		if err := try("wrong"); !errors.Is(err, ErrWrongPassword) {
			t.Fatal(err)
		}
		if err := try(quiet); err != nil {
			t.Fatal(err)
		}
	})
}

func TestThrottleByAddress(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		withPassword(t, d, "mei@example.com")
		g := doorOf(t, d).guessAddress("2001:db8::1")
		write(t, d, func(tx *db.Tx) error {
			count, err := g.look(tx)
			for count < freeByAddress-1 && err == nil {
				err = g.charge(tx, count)
				count++
			}
			return err
		})
		c := Credentials{Email: "x@example.com", Password: quiet, Address: "[2001:db8::beef]:4711"}
		if _, _, err := doorOf(t, d).SignIn(t.Context(), c); !errors.Is(err, ErrWrongPassword) {
			t.Fatal(err)
		}
		c.Email = "mei@example.com"
		var throttled ErrThrottled
		if _, _, err := doorOf(t, d).SignIn(t.Context(), c); !errors.As(err, &throttled) {
			t.Fatalf("her whole network has to wait: %v", err)
		}
		c.Address = "2001:db8:0:1::1"
		if _, _, err := doorOf(t, d).SignIn(t.Context(), c); err != nil {
			t.Errorf("somebody else's network: %v", err)
		}
		read(t, d, func(tx *db.Tx) error {
			names, err := texts(tx, `SELECT name FROM guess`)
			for _, n := range names {
				if strings.Contains(n, "2001") || strings.Contains(n, "example") {
					t.Errorf("stored in clear: %s", n)
				}
			}
			return err
		})
	})
}

func TestTriesAtOnceAllCount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const crowd = 12
		done := make(chan error, crowd)
		o := doorOf(t, d)
		for range crowd {
			go func() {
				_, _, err := o.SignIn(t.Context(), Credentials{Email: "mei@example.com", Password: "wrong"})
				done <- err
			}()
		}
		wrong := 0
		for range crowd {
			if err := <-done; errors.Is(err, ErrWrongPassword) {
				wrong++
			} else if throttled := (ErrThrottled{}); !errors.As(err, &throttled) {
				t.Error(err)
			}
		}
		if wrong != freeByEmail {
			t.Errorf("%d passwords were tried", wrong)
		}
	})
}

func TestSessionExpiry(t *testing.T) {
	cases := map[string]struct {
		rules Rules
		visit time.Duration // how often she looks in
		lasts time.Duration
	}{
		"idle":         {rules: DefaultRules(), lasts: 12 * time.Hour},
		"absolute":     {rules: DefaultRules(), visit: 11 * time.Hour, lasts: 30 * 24 * time.Hour},
		"longer idle":  {rules: Rules{IdleHours: 72, MaxDays: 30, Moves: MovesNever}, lasts: 72 * time.Hour},
		"shorter days": {rules: Rules{IdleHours: 24, MaxDays: 2, Moves: MovesNever}, visit: 20 * time.Hour, lasts: 48 * time.Hour},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			eachFrozen(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				p := withPassword(t, d, "mei@example.com")
				write(t, d, func(tx *db.Tx) error { return SaveRules(tx, System(), c.rules) })
				token, v := signIn(t, d, Credentials{Email: p.Email, Password: quiet})
				var passed time.Duration
				for c.visit > 0 && passed+c.visit < c.lasts {
					clock.Advance(c.visit)
					passed += c.visit
					if v, err := viewerOf(t, d, token); err != nil || !v.TouchDue {
						t.Fatalf("after %v: %+v, %v", passed, v, err)
					}
					write(t, d, func(tx *db.Tx) error { return Touch(tx, v.Session) })
				}
				clock.Advance(c.lasts - passed - time.Second)
				if _, err := viewerOf(t, d, token); err != nil {
					t.Errorf("a second before: %v", err)
				}
				clock.Advance(time.Second)
				if _, err := viewerOf(t, d, token); !errors.Is(err, ErrSignedOut) {
					t.Errorf("at the end: %v", err)
				}
				write(t, d, func(tx *db.Tx) error {
					if list, err := Sessions(tx, p.ID); len(list) > 0 || err != nil {
						t.Errorf("still listed: %v, %v", list, err)
					}
					if err := Sweep(tx); err != nil {
						return err
					}
					var rows int
					err := tx.QueryRow(`SELECT COUNT(*) FROM session`).Scan(&rows)
					if rows > 0 {
						t.Error("still stored")
					}
					return err
				})
			})
		})
	}
}

func TestTouchIsRare(t *testing.T) {
	eachFrozen(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		p := withPassword(t, d, "mei@example.com")
		_, v := signIn(t, d, Credentials{Email: p.Email, Password: quiet})
		for _, c := range []struct {
			after time.Duration
			seen  time.Duration // since the sign-in
		}{{59 * time.Second, 0}, {time.Second, time.Minute}, {30 * time.Second, time.Minute}} {
			clock.Advance(c.after)
			write(t, d, func(tx *db.Tx) error {
				if err := Touch(tx, v.Session); err != nil {
					return err
				}
				list, err := Sessions(tx, p.ID)
				if err == nil && list[0].SeenAt.Sub(list[0].CreatedAt) != c.seen {
					t.Errorf("seen after %v, want %v", list[0].SeenAt.Sub(list[0].CreatedAt), c.seen)
				}
				return err
			})
		}
	})
}

func TestEndSessions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		mei, bo := withPassword(t, d, "mei@example.com"), withPassword(t, d, "bo@example.com")
		one, v := signIn(t, d, Credentials{Email: mei.Email, Password: quiet})
		two, second := signIn(t, d, Credentials{Email: mei.Email, Password: quiet})
		three, _ := signIn(t, d, Credentials{Email: mei.Email, Password: quiet})
		his, stranger := signIn(t, d, Credentials{Email: bo.Email, Password: quiet})

		err := d.Write(t.Context(), func(tx *db.Tx) error { return EndSession(tx, stranger, v.Session) })
		if !errors.Is(err, db.ErrNotFound) {
			t.Errorf("a stranger ends her session: %v", err)
		}
		write(t, d, func(tx *db.Tx) error { return EndSession(tx, v, second.Session) })
		alive := func(want map[string]bool) {
			t.Helper()
			for token, in := range want {
				if _, err := viewerOf(t, d, token); (err == nil) != in {
					t.Errorf("signed in %v, want %v", err == nil, in)
				}
			}
		}
		alive(map[string]bool{one: true, two: false, three: true, his: true})
		write(t, d, func(tx *db.Tx) error { return EndOthers(tx, v) })
		alive(map[string]bool{one: true, three: false, his: true})
		for _, guessed := range []string{"", "x", strings.Repeat("A", sessionTokenLength), fingerprint(one)} {
			if _, err := viewerOf(t, d, guessed); !errors.Is(err, ErrSignedOut) {
				t.Errorf("token %q: %v", guessed, err)
			}
		}
	})
}

// An administrator is faster than the hash: whoever was signing in stays outside.
func TestChangesWhileThePasswordIsChecked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		newGroup(t, d)
		for name, change := range map[string]func(p Person) error{
			"she left": func(p Person) error {
				return d.Write(t.Context(), func(tx *db.Tx) error { return EndStaff(tx, System(), p.ID) })
			},
			"another password": func(p Person) error {
				return doorOf(t, d).GivePassword(t.Context(), System(), p.ID, "rain on the river")
			},
		} {
			t.Run(name, func(t *testing.T) {
				p := withPassword(t, d, strings.ReplaceAll(name, " ", "")+"@example.com")
				c := Credentials{Email: p.Email, Password: quiet}
				var begun proof
				o := doorOf(t, d)
				write(t, d, func(tx *db.Tx) (err error) {
					begun, err = beginSignIn(tx, c, []guess{o.guessEmail(c.Email)})
					return err
				})
				if fits, err := begun.check(t.Context(), quiet); !fits || err != nil {
					t.Fatal(fits, err)
				}
				if err := change(p); err != nil {
					t.Fatal(err)
				}
				write(t, d, func(tx *db.Tx) error {
					token, _, err := finishSignIn(tx, begun, c)
					if token != "" {
						t.Error("she is in")
					}
					return err
				})
			})
		}
	})
}
