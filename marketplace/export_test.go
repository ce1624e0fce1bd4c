package marketplace

// Rescaled is rescaled, for its property.
var Rescaled = rescaled

// ContactIn is contactIn, NamedIn is namedIn.
var (
	ContactIn = contactIn
	NamedIn   = namedIn
)

// Inspect is inspect.
var Inspect = inspect

// Remade is a picture as its tests see it.
type Remade struct {
	Large, Small                           []byte
	Width, Height, SmallWidth, SmallHeight int
}

// Remake is remake.
func Remake(raw []byte, contentType string) (Remade, error) {
	p, err := remake(raw, contentType)
	if err != nil {
		return Remade{}, err
	}
	return Remade{p.large, p.small, p.width, p.height, p.smallWidth, p.smallHeight}, nil
}
