package privacy

import (
	"dingdong/internal/conversation"
	"dingdong/internal/job"
)

// Handlers are the room's jobs.
func (r *Room) Handlers() map[string]job.Handler {
	return map[string]job.Handler{
		JobSweep:    r.sweep,
		JobDropFile: r.dropFiles,
		JobFile:     r.makeFile,
		JobRetain:   r.night,

		conversation.JobAsked: r.askedInChat,
	}
}
