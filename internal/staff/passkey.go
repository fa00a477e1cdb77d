package staff

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"dingdong/internal/db"
)

var (
	// ErrPasskey says that a passkey's proof is not good: of another, for another site, or
	// changed on its way.
	ErrPasskey = errors.New("staff: the passkey's proof is not good")
	// ErrCloned says that a passkey's counter went back: there may be a copy of it.
	ErrCloned = errors.New("staff: the passkey may have been copied")
	// ErrNoPasskeys says that browsers give no passkeys for the house's address.
	ErrNoPasskeys = errors.New("staff: no passkeys at this address")
)

// The kinds of ceremonies with passkeys.
const (
	addsPasskey = "passkey_add"
	usesPasskey = "passkey_use"
)

// Passkeys knows for which address passkeys are made and taken.
type Passkeys struct {
	party *webauthn.WebAuthn // nil: browsers give none for this address
}

// NewPasskeys binds passkeys to the house's public address: its name is part of every one.
func NewPasskeys(publicURL string) (*Passkeys, error) {
	u, err := url.Parse(publicURL)
	if err != nil {
		return nil, fmt.Errorf("public address: %w", err)
	}
	host := strings.ToLower(u.Hostname())
	_, number := netip.ParseAddr(host)
	if host == "" || number == nil || u.Scheme != "https" && host != "localhost" && !strings.HasSuffix(host, ".localhost") {
		return &Passkeys{}, nil
	}
	party, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: "Dingdong", RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			// Found without an e-mail address, and only for whom the device itself knows.
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("passkeys: %w", err)
	}
	return &Passkeys{party: party}, nil
}

// Usable tells whether browsers give passkeys for the house's address: it needs a name,
// and https or this machine.
func (p *Passkeys) Usable() bool { return p != nil && p.party != nil }

// holder is a person as the library wants her.
type holder struct {
	id, email, name string
	keys            []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return []byte(h.id) }
func (h holder) WebAuthnName() string                       { return h.email }
func (h holder) WebAuthnDisplayName() string                { return h.name }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

// AskAdd says what the viewer's browser needs to make a passkey, and gives the secret for
// AddPasskey.
func (o *Door) AskAdd(tx *db.Tx, v Viewer) (options []byte, secret string, err error) {
	if !o.Passkeys.Usable() {
		return nil, "", ErrNoPasskeys
	}
	h, err := loadHolder(tx, v.ID)
	if err != nil {
		return nil, "", err
	}
	if len(h.keys) >= maxPasskeys {
		return nil, "", db.Invalid{Field: "passkey", Code: "too_many"}
	}
	// One device needs one: the browser says so when it has one already.
	asked, session, err := o.Passkeys.party.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.keys).CredentialDescriptors()))
	if err != nil {
		return nil, "", fmt.Errorf("ask for a new passkey: %w", err)
	}
	return begin(tx, Ceremony{Kind: addsPasskey, StaffID: v.ID}, asked, session)
}

// NewPasskey is what a browser brings after AskAdd.
type NewPasskey struct {
	Secret string
	Name   string // hers for it
	Answer []byte // the browser's, JSON
}

// AddPasskey keeps a new passkey of the viewer's.
func (o *Door) AddPasskey(tx *db.Tx, v Viewer, n NewPasskey) (Passkey, error) {
	if !o.Passkeys.Usable() {
		return Passkey{}, ErrNoPasskeys
	}
	name, err := nameField("name", n.Name)
	if err != nil {
		return Passkey{}, err
	}
	session, err := end(tx, n.Secret, Ceremony{Kind: addsPasskey, StaffID: v.ID})
	if err != nil {
		return Passkey{}, err
	}
	h, err := loadHolder(tx, v.ID)
	if err != nil {
		return Passkey{}, err
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes(n.Answer)
	if err != nil {
		return Passkey{}, fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	key, err := o.Passkeys.party.CreateCredential(h, session, answer)
	if err != nil {
		return Passkey{}, fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	key.Attestation = webauthn.CredentialAttestation{} // we asked for none: nothing in it tells us anything
	return keepPasskey(tx, v, name, key)
}

// AskProof says what a browser needs to prove with a passkey who she is, and gives the
// secret for the answer. staffID "" takes whoever comes.
func (o *Door) AskProof(tx *db.Tx, staffID string) (options []byte, secret string, err error) {
	if !o.Passkeys.Usable() {
		return nil, "", ErrNoPasskeys
	}
	asked, session, err := o.Passkeys.party.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, "", fmt.Errorf("ask for a passkey: %w", err)
	}
	return begin(tx, Ceremony{Kind: usesPasskey, StaffID: staffID}, asked, session)
}

// PasskeyProof is what a browser brings after AskProof.
type PasskeyProof struct {
	Secret string
	Answer []byte // the browser's, JSON
	Meta   Meta
}

// SignInPasskey opens a session for whoever the passkey belongs to.
func (o *Door) SignInPasskey(ctx context.Context, p PasskeyProof) (token string, v Viewer, err error) {
	p.Meta.Way = ByPasskey
	err = o.withProof(ctx, "", p, func(tx *db.Tx, owner string) (err error) {
		token, v, err = newSession(tx, owner, p.Meta)
		if errors.Is(err, db.ErrNotFound) {
			return ErrPasskey // she left
		}
		if err == nil {
			note(tx, v, "signed_in", v.Session, string(ByPasskey))
		}
		return err
	})
	return token, v, err
}

// ConfirmPasskey lets the viewer prove with a passkey that it is still she who sits there;
// see Confirm.
func (o *Door) ConfirmPasskey(ctx context.Context, v Viewer, p PasskeyProof) (token string, err error) {
	p.Meta.Way = ByPasskey
	err = o.withProof(ctx, v.ID, p, func(tx *db.Tx, _ string) (err error) {
		token, err = Proven(tx, v, p.Meta)
		return err
	})
	return token, err
}

// withProof checks a proof and goes on with it in the same transaction. A counter that went
// back is kept, though the proof is refused.
func (o *Door) withProof(ctx context.Context, asked string, p PasskeyProof, then func(tx *db.Tx, owner string) error) error {
	if !o.Passkeys.Usable() {
		return ErrNoPasskeys
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes(p.Answer)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	var cloned bool
	err = o.DB.Write(ctx, func(tx *db.Tx) error {
		cloned = false
		session, err := end(tx, p.Secret, Ceremony{Kind: usesPasskey, StaffID: asked})
		if err != nil {
			return err
		}
		var missing error
		find := func(_, handle []byte) (webauthn.User, error) {
			h, err := loadHolder(tx, string(handle))
			missing = err
			return h, err
		}
		user, key, err := o.Passkeys.party.ValidatePasskeyLogin(find, session, answer)
		if missing != nil && !errors.Is(missing, db.ErrNotFound) && !errors.Is(missing, db.ErrText) {
			return missing
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrPasskey, err)
		}
		owner := string(user.WebAuthnID())
		if asked != "" && asked != owner {
			return ErrPasskey
		}
		cloned = key.Authenticator.CloneWarning
		if err := usePasskey(tx, owner, key); err != nil || cloned {
			return err
		}
		return then(tx, owner)
	})
	if err == nil && cloned {
		return ErrCloned
	}
	return err
}

func begin(tx *db.Tx, c Ceremony, asked any, session *webauthn.SessionData) (options []byte, secret string, err error) {
	kept, err := json.Marshal(session)
	if err == nil {
		options, err = json.Marshal(asked)
	}
	if err != nil {
		return nil, "", fmt.Errorf("write ceremony: %w", err)
	}
	c.Data = string(kept)
	secret, err = BeginCeremony(tx, c)
	return options, secret, err
}

func end(tx *db.Tx, secret string, c Ceremony) (session webauthn.SessionData, err error) {
	c, err = EndCeremony(tx, secret, c.Kind, c.StaffID)
	if err != nil {
		return session, err
	}
	if err := json.Unmarshal([]byte(c.Data), &session); err != nil {
		return session, fmt.Errorf("read ceremony: %w", err)
	}
	return session, nil
}

// credentialName is a device's id of a passkey, as the table holds it.
func credentialName(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }
