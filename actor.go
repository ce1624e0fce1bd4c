package shortbreaks

import (
	"slices"

	"github.com/google/uuid"
)

// Role is what a person acts as. One person may hold several; a request acts
// in one. Values are those of the contract.
type Role string

// The roles of the spine; others join with their issues.
const (
	Family        Role = "family"         // holds a child's budget
	Practitioner  Role = "practitioner"   // lead practitioner of an authority
	Approver      Role = "approver"       // approves plans, allocates budgets
	Finance       Role = "finance"        // reads the books of an authority
	Commissioner  Role = "commissioner"   // sees aggregates, never a child
	ProviderOwner Role = "provider_owner" // publishes offers
	Coordinator   Role = "coordinator"    // runs a provider's day
	Worker        Role = "worker"         // fills registers
	Auditor       Role = "auditor"        // reads, changes nothing
)

// Actor is who is asking: a person, acting in one role, with what that role
// reaches as read from the grants for this request (never from a token).
type Actor struct {
	Person      uuid.UUID
	Role        Role
	Authorities []uuid.UUID // reached by this role; a family's are those of its children
	Providers   []uuid.UUID // reached by a provider role
	Children    []uuid.UUID // reached by a family role
}

// Anonymous is the public: it reads public supply and nothing else.
var Anonymous = Actor{}

// Is reports whether the actor acts in one of these roles.
func (a Actor) Is(roles ...Role) bool { return slices.Contains(roles, a.Role) }

// ForProvider reports whether the actor acts for this provider.
func (a Actor) ForProvider(id uuid.UUID) bool { return slices.Contains(a.Providers, id) }

// ForAuthority reports whether the actor's role reaches this authority.
func (a Actor) ForAuthority(id uuid.UUID) bool { return slices.Contains(a.Authorities, id) }

// ForChild reports whether a family actor may act for this child.
func (a Actor) ForChild(id uuid.UUID) bool { return slices.Contains(a.Children, id) }

// Staff reports whether the actor is an authority's practitioner or approver,
// who may act for any family of that authority.
func (a Actor) Staff() bool { return a.Is(Practitioner, Approver) }
