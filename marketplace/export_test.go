package marketplace

// Rescaled is rescaled, for its property.
var Rescaled = rescaled
