package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"dingdong/internal/insight"
)

// chats are messages as people type them, two a language.
var chats = []string{
	"我是敏感肌,想找淡一點的香水", "上次那瓶精華液用完了 想幫我媽媽也買一瓶 她皮膚很乾",
	"我是混油皮,T区特别油,有没有控油的粉底液?", "这个味道太浓了,我男朋友不喜欢",
	"hi, my skin gets sooo dry in winter, do you have something that isn't sticky?", "looking for a matte lipstick for my mum's birthday, not too red",
	"kak kulitku berminyak banget, ada cushion yang tahan lama ga?", "aku cari parfum yang wanginya lembut, bukan yang menyengat",
	"kulit saya sensitif, boleh pakai serum ni tak?", "nak beli hadiah untuk mak saya, dia suka bau bunga ros",
	"بشرتي حساسة جدا، هل هذا الكريم مناسب؟", "أبغى عطر خفيف هدية لأمي",
	"ผิวแพ้ง่ายค่ะ ใช้ตัวนี้ได้ไหมคะ", "รองพื้นใกล้หมดแล้ว ขอแบบแมตต์ไม่มันนะคะ",
	"da mình nhạy cảm lắm, có loại nào dịu nhẹ không ạ", "shop oi minh tim son li tang ban gai",
}

// lexicons are those that ship.
func lexicons() ([]insight.Lexicon, error) {
	files, err := insight.Shipped()
	if err != nil {
		return nil, err
	}
	var all []insight.Lexicon
	for _, f := range files {
		l, err := insight.ParseLexicon([]byte(f.YAML))
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

const (
	askedPhrases = 10_000
	askedRead    = 20 * time.Microsecond
)

// insight measures what reading a message costs, against a search for each phrase.
func (r *run) insight() error {
	all, err := lexicons()
	if err != nil {
		return err
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	reader, err := insight.Compile(all)
	if err != nil {
		return err
	}
	built := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&after)

	found := 0
	each := perMessage(r.o.seconds/2, func(text string) { found += len(reader.Read(text)) })
	var phrases []string
	for _, l := range all {
		for _, rule := range l.Rules {
			for _, p := range rule.Phrases {
				phrases = append(phrases, strings.ReplaceAll(p, " ~ ", " "))
			}
		}
	}
	naive := perMessage(r.o.seconds/4, func(text string) {
		text = strings.ToLower(text)
		for _, p := range phrases {
			if strings.Contains(text, p) {
				found++
			}
		}
	})
	runtime.KeepAlive(reader)
	r.note(fmt.Sprintf("A message read against %d phrases", reader.Phrases()),
		fmt.Sprintf("%.1f us, %.0f times as fast as one search a phrase (%.0f us)", us(each), float64(naive)/float64(each), us(naive)),
		"20 us", each < askedRead && reader.Phrases() >= askedPhrases)
	memory := (after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)) >> 20
	r.note("Compiling these lexicons", fmt.Sprintf("%s, %d MB kept", ms(built), memory), "(not asked)", true)
	return nil
}

func us(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// perMessage is the processor's time for one message, over all of them again and
// again: by the clock on the wall, a busy machine would be measured.
func perMessage(length time.Duration, read func(string)) time.Duration {
	for _, text := range chats { // warm
		read(text)
	}
	n := 0
	used := cpu()
	for began := time.Now(); time.Since(began) < length; {
		for _, text := range chats {
			read(text)
		}
		n += len(chats)
	}
	return (cpu() - used) / time.Duration(n)
}
