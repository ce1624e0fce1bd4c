package people

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"strconv"
	"time"

	"github.com/google/uuid"
	gomail "github.com/wneessen/go-mail"
)

// mailWithin is how long one e-mail may take, whatever the server does.
const mailWithin = 20 * time.Second

// MailConfig says how e-mail leaves.
type MailConfig struct {
	Address  string // of the SMTP server, host:port
	User     string // "": without signing in
	Password string
	TLS      string // starttls (the default), implicit, or none for a server of the same machine
	From     string // whom e-mails are from
	Within   time.Duration
}

// Mailer sends e-mail.
type Mailer struct {
	config MailConfig
	host   string
	port   int
}

// NewMailer checks a configuration; it asks no server. Without encryption only
// a server of the same machine is accepted.
func NewMailer(c MailConfig) (*Mailer, error) {
	host, port, err := net.SplitHostPort(c.Address)
	if err != nil {
		return nil, errors.New("the address of the mail server is host:port")
	}
	number, err := strconv.Atoi(port)
	if err != nil || number < 1 || number > 65535 {
		return nil, errors.New("the port of the mail server is a number up to 65535")
	}
	if _, err := mail.ParseAddress(c.From); err != nil {
		return nil, errors.New("whom e-mails are from is an e-mail address")
	}
	switch c.TLS {
	case "", "starttls", "implicit":
	case "none":
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return nil, errors.New("e-mail leaves this machine encrypted: TLS is starttls or implicit")
		}
	default:
		return nil, errors.New("TLS to the mail server is starttls, implicit or none")
	}
	if c.Within == 0 {
		c.Within = mailWithin
	}
	return &Mailer{c, host, number}, nil
}

// Mail is one e-mail to one person.
type Mail struct {
	To      string
	ID      uuid.UUID // the same for each attempt, so that programs know a second copy
	Subject string
	Text    string
}

// Send hands an e-mail to the server. Its errors do not say to whom it was: they
// are kept with the job and written to the log.
func (m *Mailer) Send(ctx context.Context, mail Mail) error {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(msg.From(m.config.From), msg.To(mail.To)); err != nil {
		return errors.New("an e-mail address cannot be used")
	}
	msg.SetMessageIDWithValue(mail.ID.String() + "@" + m.host)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetDate()
	msg.Subject(mail.Subject)
	msg.SetBodyString(gomail.TypeTextPlain, mail.Text)
	client, err := gomail.NewClient(m.host, m.options()...)
	if err != nil {
		return fmt.Errorf("make a mail client: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, m.config.Within)
	defer cancel()
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return refused(err)
	}
	return nil
}

func (m *Mailer) options() []gomail.Option {
	all := []gomail.Option{gomail.WithPort(m.port), gomail.WithTimeout(m.config.Within)}
	switch m.config.TLS {
	case "implicit":
		all = append(all, gomail.WithSSL())
	case "none":
		all = append(all, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		all = append(all, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if m.config.User != "" {
		all = append(all, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(m.config.User), gomail.WithPassword(m.config.Password))
	}
	return all
}

// refused is what went wrong, without the server's own words: those may repeat
// the address.
func refused(err error) error {
	var sending *gomail.SendError
	var network net.Error
	switch {
	case errors.As(err, &sending):
		return fmt.Errorf("the mail server refused an e-mail (%s)", sending.Reason)
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return errors.New("the mail server did not answer in time")
	}
	return errors.New("the mail server cannot be reached or spoken to")
}
