package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"shortbreaks/people"
)

// The two ways to run.
const (
	modeDemo       = "demo"       // made-up data, sign-in by name
	modeProduction = "production" // refuses default or missing keys
)

// config is every setting, read once. Each comes from the environment variable
// named beside it.
type config struct {
	DatabaseURL   string            // DATABASE_URL: empty starts a PostgreSQL of our own
	MigrateURL    string            // MIGRATE_DATABASE_URL: the owner's login; empty: somebody else migrates
	Pooler        bool              // SHORTBREAKS_POOLER: a transaction pooler stands between
	Mode          string            // SHORTBREAKS_MODE: demo or production
	Scale         int               // how many times the demo's supply is made; 0 and 1 are once
	Addr          string            // SHORTBREAKS_ADDR
	MetricsAddr   string            // SHORTBREAKS_METRICS_ADDR: loopback unless you mean otherwise
	PublicURL     string            // SHORTBREAKS_PUBLIC_URL: how people reach it
	SigningKey    string            // SHORTBREAKS_SIGNING_KEY: 32 random bytes in base64
	StripeKey     string            // STRIPE_KEY
	StripeSecret  string            // STRIPE_WEBHOOK_SECRET
	StripeAPIBase string            // STRIPE_API_BASE: another address than Stripe's own
	Mail          people.MailConfig // SHORTBREAKS_SMTP_ADDRESS, _USER, _PASSWORD, _TLS, SHORTBREAKS_MAIL_FROM; no address: no e-mail
	LogLevel      slog.Level        // SHORTBREAKS_LOG_LEVEL
	Drain         time.Duration     // SHORTBREAKS_DRAIN: how long readiness says no before we stop accepting
}

// readConfig reads the environment. A setting of ours that does not exist is
// refused: a typing error must not silently leave a default.
func readConfig(environ []string) (config, error) {
	c := config{Mode: modeProduction, Addr: "127.0.0.1:8080", MetricsAddr: "127.0.0.1:9090", LogLevel: slog.LevelInfo}
	drain := ""
	level := ""
	pooler := ""
	into := map[string]*string{
		"DATABASE_URL": &c.DatabaseURL, "MIGRATE_DATABASE_URL": &c.MigrateURL, "SHORTBREAKS_MODE": &c.Mode, "SHORTBREAKS_ADDR": &c.Addr,
		"SHORTBREAKS_METRICS_ADDR": &c.MetricsAddr, "SHORTBREAKS_PUBLIC_URL": &c.PublicURL, "SHORTBREAKS_SIGNING_KEY": &c.SigningKey,
		"STRIPE_KEY": &c.StripeKey, "STRIPE_WEBHOOK_SECRET": &c.StripeSecret, "STRIPE_API_BASE": &c.StripeAPIBase,
		"SHORTBREAKS_SMTP_ADDRESS": &c.Mail.Address, "SHORTBREAKS_SMTP_USER": &c.Mail.User, "SHORTBREAKS_SMTP_PASSWORD": &c.Mail.Password,
		"SHORTBREAKS_SMTP_TLS": &c.Mail.TLS, "SHORTBREAKS_MAIL_FROM": &c.Mail.From,
		"SHORTBREAKS_LOG_LEVEL": &level, "SHORTBREAKS_DRAIN": &drain, "SHORTBREAKS_POOLER": &pooler,
	}
	elsewhere := map[string]bool{"SHORTBREAKS_DATA": true, "SHORTBREAKS_TEST_DATABASE_URL": true, "SHORTBREAKS_TORTURE": true}
	var unknown []string
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if field, ok := into[name]; ok && value != "" {
			*field = value
		} else if !ok && strings.HasPrefix(name, "SHORTBREAKS_") && !elsewhere[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return c, fmt.Errorf("there is no setting %s: see deploy/README.md", strings.Join(unknown, ", "))
	}
	return c, c.complete(level, drain, pooler)
}

func (c *config) complete(level, drain, pooler string) error {
	if level != "" {
		if err := c.LogLevel.UnmarshalText([]byte(level)); err != nil {
			return errors.New("SHORTBREAKS_LOG_LEVEL is debug, info, warn or error")
		}
	}
	if drain != "" {
		d, err := time.ParseDuration(drain)
		if err != nil || d < 0 || d > time.Minute {
			return errors.New("SHORTBREAKS_DRAIN is a time such as 5s, at most 1m")
		}
		c.Drain = d
	}
	switch pooler {
	case "", "false":
	case "true":
		c.Pooler = true
	default:
		return errors.New("SHORTBREAKS_POOLER is true or false")
	}
	if c.Mode != modeDemo && c.Mode != modeProduction {
		return errors.New("SHORTBREAKS_MODE is demo or production")
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://" + c.Addr
	}
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" {
		return errors.New("SHORTBREAKS_PUBLIC_URL is an address such as https://breaks.example.org")
	}
	return nil
}

// fitForProduction refuses a start that would serve real families without
// keys of its own. Weak keys are refused where they are read.
func (c *config) fitForProduction() error {
	if c.Mode != modeProduction {
		return nil
	}
	switch {
	case c.SigningKey == "":
		return errors.New("set SHORTBREAKS_SIGNING_KEY to 32 random bytes in base64 (openssl rand -base64 32), or try `shortbreaks demo`")
	case (c.StripeKey == "") != (c.StripeSecret == ""):
		return errors.New("set both STRIPE_KEY and STRIPE_WEBHOOK_SECRET, or neither")
	case !strings.HasPrefix(c.PublicURL, "https://") && !strings.HasPrefix(c.PublicURL, "http://127.0.0.1"):
		return errors.New("set SHORTBREAKS_PUBLIC_URL to the https address people use")
	}
	return nil
}
