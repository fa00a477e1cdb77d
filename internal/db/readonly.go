package db

// ReadOnly tells whether this is a Read, whose snapshot holds committed rows
// only: what it saw may be kept in memory at once.
func (tx *Tx) ReadOnly() bool { return tx.readOnly }
