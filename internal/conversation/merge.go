package conversation

import (
	"fmt"

	"dingdong/internal/db"
)

// ErrBusy says that two conversations cannot be put together or taken apart at
// this moment, because a message is on its way; or that this just happened to the
// one that was written in. Trying again helps.
var ErrBusy = fmt.Errorf("a conversation is being put together or taken apart: %w", db.ErrConflict)
