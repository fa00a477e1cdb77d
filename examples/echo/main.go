// Echo answers every customer's text once, quoting it, through the Dingdong API.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	for last := os.Getenv("DINGDONG_AFTER"); ; { // empty: from now on
		lines := bufio.NewScanner(call("GET", "events?types=message.received&after="+last, "", "").Body)
		for lines.Buffer(nil, 1<<20); lines.Scan(); { // when the line is cut, go on after the last one
			var e struct{ Message map[string]any }
			if field, value, _ := strings.Cut(lines.Text(), ": "); field == "id" {
				last = value
			} else if field == "data" && json.Unmarshal([]byte(value), &e) == nil && e.Message["type"] == "text" {
				id, thread := e.Message["id"].(string), e.Message["thread"].(string)
				body, _ := json.Marshal(map[string]any{"text": e.Message["text"], "quotes": id, "as": map[string]string{"automation": "echo"}})
				call("POST", "threads/"+thread+"/messages", "echo-"+id, string(body)).Body.Close()
			}
		}
	}
}

func call(method, path, key, body string) *http.Response {
	for ; ; time.Sleep(time.Second) { // the key makes trying again harmless
		r, _ := http.NewRequest(method, os.Getenv("DINGDONG_URL")+"/api/v1/"+path, strings.NewReader(body))
		r.Header = http.Header{"Authorization": {"Bearer " + os.Getenv("DINGDONG_TOKEN")}, "Idempotency-Key": {key}}
		if res, err := http.DefaultClient.Do(r); err != nil || res.StatusCode >= 429 || method == "GET" && res.StatusCode >= 300 {
			log.Print("no answer to ", method, " ", path, ": ", err)
		} else {
			return res
		}
	}
}
