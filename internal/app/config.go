package app

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"dingdong/internal/vault"
)

// Config is every setting there is. The environment comes first, then flags;
// with nothing set, `dingdong serve` starts a working house on SQLite.
type Config struct {
	Data       string `default:"data" env:"DINGDONG_DATA" help:"Folder of the database, the media and the installation key."`
	DB         string `name:"db" env:"DINGDONG_DB" help:"Database: postgres://... ; empty for SQLite in the data folder."`
	Key        string `env:"DINGDONG_KEY" help:"Installation key: file:/path/key.json, or hcvault://host:8200/transit/keys/name?file=/path/key.json for a file that only a HashiCorp Vault or OpenBao opens, with the token in VAULT_TOKEN or VAULT_TOKEN_FILE. Empty, or without file=, for key.json in the data folder."`
	Listen     string `default:"127.0.0.1:8080" env:"DINGDONG_LISTEN" help:"Address of the console, the webhooks and the API."`
	PublicURL  string `name:"public-url" env:"DINGDONG_PUBLIC_URL" help:"How platforms and browsers reach us, https://... ; empty for http:// and the listen address."`
	Metrics    string `default:"127.0.0.1:9469" env:"DINGDONG_METRICS" help:"Address of /metrics; 'off' for none."`
	Timezone   string `name:"default-timezone" default:"Asia/Taipei" env:"DINGDONG_TIMEZONE" help:"Time zone of pages that belong to no store."`
	LogLevel   string `default:"info" enum:"debug,info,warn,error" env:"DINGDONG_LOG_LEVEL" help:"Least level that is logged: debug, info, warn, error."`
	LogFormat  string `default:"text" enum:"text,json" env:"DINGDONG_LOG_FORMAT" help:"How the log is written: text or json."`
	TrustProxy bool   `env:"DINGDONG_TRUST_PROXY" help:"Take the client's address from X-Forwarded-For: only behind your own proxy."`
	AllowLocal bool   `env:"DINGDONG_ALLOW_LOCAL" help:"Let outgoing webhooks call this machine: for trials and tests."`
	Senders    int    `default:"1024" env:"DINGDONG_SENDERS" help:"Most jobs, and so calls to platforms, at one time."`

	Demo      bool   `env:"DINGDONG_DEMO" help:"Fill an empty database with a demo store group, and start a fake LINE and a demo shop beside it."`
	DemoPhone string `default:"127.0.0.1:8081" env:"DINGDONG_DEMO_PHONE" help:"Address of the demo's fake LINE platform."`
	DemoShop  string `default:"127.0.0.1:8082" env:"DINGDONG_DEMO_SHOP" help:"Address of the demo's shop."`
}

// DatabaseURL is where the data lives.
func (c Config) DatabaseURL() string {
	if c.DB != "" {
		return c.DB
	}
	return "sqlite:" + filepath.Join(c.Data, "dingdong.db")
}

// KeyURI is where the installation key lives.
func (c Config) KeyURI() string {
	path := filepath.Join(c.Data, "key.json")
	if c.Key != "" {
		return vault.WithFile(c.Key, path)
	}
	return "file:" + path
}

// check names the setting that cannot be.
func (c Config) check() error {
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			return fmt.Errorf("public-url: %q is not an http(s) address", c.PublicURL)
		}
	}
	if c.DB != "" && !strings.HasPrefix(c.DB, "postgres://") && !strings.HasPrefix(c.DB, "postgresql://") && !strings.HasPrefix(c.DB, "sqlite:") {
		return fmt.Errorf("db: %q is not a postgres:// address", c.DB)
	}
	if c.Senders < 0 || c.Senders > 10_000 {
		return fmt.Errorf("senders: %d is not between 1 and 10000", c.Senders)
	}
	return nil
}
