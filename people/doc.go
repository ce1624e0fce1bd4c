// Package people knows who is asking: persons, how they sign in, the tokens
// they carry and the roles they hold.
//
// Words: a Person is an adult (or a young person with an account of their
// own). A SignIn is one way a person proves who they are. A Grant is one role
// on one authority, provider or child, from a day to a day. An Actor (of the
// root package) is a person acting in one role, for one request.
//
// Rules, and where each is:
//
//   - load.go: rights are read from the grants for every request, never from
//     the token; a role taken away ends at the next request.
//   - person.go: what one adult enters (address, phone, calendar) is that
//     adult's alone and never reaches the other parent (T97). Row-level
//     security holds the rule a second time: a scope reaches the rows of its
//     own person and no other.
//   - signin.go: the demo's sign-in, by subject; switched off everywhere else.
//   - token.go: what a token says and how it is checked; token_keys.go: the
//     keys that sign and check; token_cache.go: each signature is worked out
//     once. Nothing else in the module knows what a JWT is.
//   - held.go: whose family somebody is today, for telling people what concerns
//     them; mail.go: e-mail, the only place that knows how it leaves.
//   - email.go: one's own e-mail address is a contact, and so used, only once
//     the code sent to it came back; emailsend.go sends codes and tells the
//     address that was replaced; code.go makes codes people read out.
//
// The steps (CreatePerson, AddSignIn, AddContact, GrantRole, EndRole) run in a
// transaction whose scope is the person they are about.
package people
