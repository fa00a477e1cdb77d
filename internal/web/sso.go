package web

import (
	"errors"
	"net/http"

	"dingdong/internal/sso"
	"dingdong/internal/staff"
)

// The cookies of somebody on her way to the provider and back.
const (
	ssoCookie      = "dingdong_sso"
	ssoAgainCookie = "dingdong_sso_again"
	ssoSeconds     = 600
)

// ssoButton is the way in through the provider, on a page.
type ssoButton struct{ Path, Text string }

// ssoButton gives the button's words; none where no provider is switched on.
func (s *Server) ssoButton(v *Visit, path string) (ssoButton, error) {
	setting, err := s.ssoSetting(v)
	if err != nil || !setting.On {
		return ssoButton{}, err
	}
	if setting.Button == "" {
		setting.Button = v.T("sso.button")
	}
	return ssoButton{path, setting.Button}, nil
}

// goSSO sends her to the provider.
func (s *Server) goSSO(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.toProvider(w, r, v, ssoCookie, sso.Going{Next: local(r.URL.Query().Get("next"), "/")})
}

// goSSOAgain lets her prove at the provider that it is still she.
func (s *Server) goSSOAgain(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.toProvider(w, r, v, ssoAgainCookie, sso.Going{Next: local(r.URL.Query().Get("next"), "/"), StaffID: v.ID})
}

func (s *Server) toProvider(w http.ResponseWriter, r *http.Request, v *Visit, cookie string, g sso.Going) error {
	if s.SSO == nil {
		return sso.Refusal{Code: sso.Off}
	}
	address, secret, err := s.SSO.Begin(r.Context(), g)
	if err != nil {
		return s.ssoFailed(w, v, err)
	}
	s.setCookie(w, cookie, secret, ssoSeconds)
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

// backFromSSO is where the provider sends her back to.
func (s *Server) backFromSSO(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if s.SSO == nil {
		return sso.Refusal{Code: sso.Off}
	}
	back := sso.Back{Secret: v.cookie(ssoCookie), Query: r.URL.Query(), Meta: s.meta(v)}
	if again := v.cookie(ssoAgainCookie); again != "" {
		if err := s.identify(v); err != nil {
			return err
		}
		if v.SignedIn {
			back.Secret, back.Asked = again, &v.Viewer
		}
	}
	s.setCookie(w, ssoCookie, "", -1)
	s.setCookie(w, ssoAgainCookie, "", -1)
	token, next, err := s.SSO.Finish(r.Context(), back)
	if err != nil {
		return s.ssoFailed(w, v, err)
	}
	if back.Asked != nil {
		s.setSession(w, token)
	} else if err := s.signedIn(w, v, token); err != nil {
		return err
	}
	http.Redirect(w, r, local(next, "/"), http.StatusSeeOther)
	return nil
}

// ssoFailed shows the sign-in page with what went wrong.
func (s *Server) ssoFailed(w http.ResponseWriter, v *Visit, err error) error {
	var refusal sso.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	s.Log.Info("sign-in through the provider refused", "code", refusal.Code, "error", refusal.Unwrap())
	if v.SignedIn {
		return err
	}
	return s.drawSignIn(w, v, signInPage{Next: "/", status: http.StatusForbidden, Form: Form{Alert: v.T("sso.refused." + refusal.Code)}})
}

// outOfSSO signs her out at the provider too.
func (s *Server) outOfSSO(w http.ResponseWriter, r *http.Request, _ *Visit) error {
	address := ""
	if s.SSO != nil {
		var err error
		if address, err = s.SSO.LogoutURL(r.Context()); err != nil && !errors.As(err, new(sso.Refusal)) {
			return err
		}
	}
	if address == "" {
		address = "/sign-in"
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

// afterSignOut is the page that she sees then: it offers the provider's own way out, too,
// to whoever came in through it.
func afterSignOut(v *Visit) string {
	if v.Way == staff.BySSO {
		return "/sign-in?out=sso"
	}
	return "/sign-in"
}
