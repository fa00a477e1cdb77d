package main

import (
	"fmt"
	"math/rand/v2"
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

// syllables make filler phrases that look like their language.
var syllables = map[string]string{
	"zh-Hant": "膚 膏 霜 液 粉 水 香 色 紅 乾 油 敏 感 潤 保 濕 眼 唇 頰 臉 嫩 亮 白 斑 紋 痘 毛 孔 防 曬 底 妝 卸 洗 蜜 露",
	"zh-Hans": "肤 膏 霜 液 粉 水 香 色 红 干 油 敏 感 润 保 湿 眼 唇 颊 脸 嫩 亮 白 斑 纹 痘 毛 孔 防 晒 底 妆 卸 洗 蜜 露",
	"en":      "skin glow dry oil tone fresh rose mist balm lip tint shade soft care pure silk dew cream wash peel bright spot line pore",
	"id":      "ku lit wa jah bi bir ha lus le mbut ce rah mi nyak ke ring se gar wa ngi be rat ri ngan ta han la ma nya",
	"ms":      "ku lit mu ka bi bir ha lus lem but ce rah mi nyak ke ring se gar wa ngi be rat ri ngan ta han la ma pun",
	"ar":      "بشر جاف دهن عطر ورد مسك عود كري لون شفا عين وجه رطب نضر لمع غني خفي قوي ثبت نعم صاف",
	"th":      "ผิว หน้า มัน แห้ง แพ้ ง่าย หอม กลิ่น สี ปาก ตา แก้ม ใส นุ่ม ชุ่ม ชื้น แดง จุด ด่าง ดำ สิว รอย ลึก",
	"vi":      "da khô dầu nhạy cảm môi má mắt thơm hoa hồng nhẹ sáng mịn mụn thâm nám ẩm phấn son kem nền lì bóng",
}

// lexicons are the shipped ones, filled up to a number of phrases altogether.
func lexicons(phrases int) ([]insight.Lexicon, error) {
	files, err := insight.Shipped()
	if err != nil {
		return nil, err
	}
	by := map[string]insight.Lexicon{}
	total := 0
	for _, f := range files {
		l, err := insight.ParseLexicon([]byte(f.YAML))
		if err != nil {
			return nil, err
		}
		by[l.Language] = l
		for _, r := range l.Rules {
			total += len(r.Phrases)
		}
	}
	var all []insight.Lexicon
	rnd := rand.New(rand.NewPCG(3, 1))
	languages := insight.Languages()
	for i, language := range languages {
		l := by[language]
		l.Language, l.Version = language, max(l.Version, 1)
		share := (phrases - total) / (len(languages) - i)
		total += max(share, 0)
		l.Rules = append(l.Rules, filler(rnd, language, share)...)
		all = append(all, l)
	}
	return all, nil
}

// filler makes rules of 20 phrases each; every fourth phrase has a gap.
func filler(rnd *rand.Rand, language string, n int) []insight.Rule {
	parts := strings.Fields(syllables[language])
	between := ""
	if language == "en" || language == "vi" || language == "ar" {
		between = " "
	}
	var rules []insight.Rule
	for i := range n {
		if i%20 == 0 {
			rules = append(rules, insight.Rule{ID: fmt.Sprintf("filler.%d", i/20), Tag: fmt.Sprintf("filler:n%d", i/20)})
		}
		var words []string
		for range 3 + rnd.IntN(3) {
			words = append(words, parts[rnd.IntN(len(parts))])
		}
		phrase := strings.Join(words, between)
		if i%4 == 0 {
			phrase = words[0] + words[1] + " ~ " + words[2]
		}
		r := &rules[len(rules)-1]
		r.Phrases = append(r.Phrases, phrase)
	}
	return rules
}

const (
	askedPhrases = 10_000
	askedRead    = 20 * time.Microsecond
)

// insight measures what reading a message costs, against a search for each phrase.
func (r *run) insight() error {
	all, err := lexicons(askedPhrases)
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
