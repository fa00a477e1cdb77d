package demo

import (
	"crypto/rand"
	"fmt"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// The store group of the demonstration. Names in lower case are how this file
// and stories.txt call things; the database gives them ids.

var stores = []struct{ key, name string }{
	{"xinyi", "台北信義 Xinyi"},
	{"taichung", "台中 Taichung"},
}

var brands = []struct{ key, name string }{
	{"chanty", "香緹 CHANTY"},
	{"chenglu", "澄露 Chenglu"},
	{"lumi", "LUMI"},
}

// counters have a LINE account each; its path on the stand-in is the key.
var counters = []struct{ key, store, brand, name, basicID string }{
	{"chanty-xinyi", "xinyi", "chanty", "香緹 信義店", "@chanty-xinyi"},
	{"chenglu-xinyi", "xinyi", "chenglu", "澄露 信義店", "@chenglu-xinyi"},
	{"chanty-taichung", "taichung", "chanty", "香緹 台中店", "@chanty-taichung"},
	{"lumi-taichung", "taichung", "lumi", "LUMI 台中店", "@lumi-taichung"},
}

// webKey is the web chat of the shop's page; its visitors come to webCounter.
const (
	webKey     = "web"
	webCounter = "chanty-xinyi"
	webName    = "香緹 CHANTY 線上諮詢"
	greeting   = "您好，這裡是香緹信義店。色號、膚質、庫存都可以問，顧問會親自回覆您。\nHello! Ask us about shades, your skin, or what is in stock. An advisor answers in person."
)

var people = []struct {
	key, name, language string
	role                staff.Role
	counters, stores    []string
}{
	{"shufen", "何淑芬", "zh-TW", staff.Manager, nil, []string{"xinyi"}},
	{"chienhung", "吳建宏", "zh-TW", staff.Manager, nil, []string{"taichung"}},
	{"mei", "Mei 王美玲", "zh-TW", staff.Advisor, []string{"chanty-xinyi"}, nil},
	{"yating", "林雅婷", "zh-TW", staff.Advisor, []string{"chanty-xinyi"}, nil},
	{"sophia", "Sophia Chou", "en", staff.Advisor, []string{"chanty-xinyi", "chenglu-xinyi"}, nil},
	{"chiachi", "張家琪", "zh-TW", staff.Advisor, []string{"chenglu-xinyi"}, nil},
	{"peishan", "陳佩珊", "zh-TW", staff.Advisor, []string{"chanty-taichung"}, nil},
	{"wanru", "許婉如", "zh-TW", staff.Advisor, []string{"lumi-taichung"}, nil},
	{"siying", "李思穎", "zh-TW", staff.Marketing, nil, nil},
	{"wenbin", "鄭文彬", "zh-TW", staff.Privacy, nil, nil},
	{"alex", "Alex Kao", "en", staff.Admin, nil, nil},
}

var replies = []struct{ counter, title, text, tag string }{
	{"", "問候", "{customer}您好，我是{counter}的{advisor}，很高興為您服務！", ""},
	{"", "營業時間", "我們每天 11:00 到 21:30 營業，歡迎來{counter}找我。", ""},
	{"", "請稍候", "收到您的訊息了，我先幫您確認庫存，五分鐘內回覆您。", ""},
	{"", "幫您保留", "{customer}，商品已經幫您保留到明天晚上九點，到{counter}報姓名即可。", ""},
	{"", "謝謝", "謝謝{customer}，使用上有任何問題都可以直接傳訊息給我。{advisor}", ""},
	{"", "Hello", "Hello {customer}, this is {advisor} at {counter}. How can I help you today?", ""},
	{"", "Opening hours", "We are open every day from 11:00 to 21:30. I look forward to seeing you at {counter}.", ""},
	{"", "On hold", "It is on hold for you until tomorrow night at nine, {customer}. Just give your name at {counter}.", ""},
	{"chanty-xinyi", "預約試妝", "一對一試妝是免費的，大約一小時。{customer}方便哪一天、幾點呢？", ""},
	{"chenglu-xinyi", "敏感肌三步驟", "換季敏感先從三樣開始：溫和潔面、保濕化妝水、神經醯胺乳霜，先用兩週看看，{customer}。", "concern:sensitive"},
	{"chanty-xinyi", "低敏系列", "{customer}，敏感肌可以先從低敏系列開始：清爽無香乳液、水潤氣墊粉餅，都不加香料與酒精。兩天份的試用包我先幫您留著。", "concern:sensitive"},
	{"chanty-xinyi", "Low-irritation range", "For sensitive skin I would start with our low-irritation range, {customer}: the unscented lotion and the dewy cushion, no fragrance, no alcohol. I can put a two-day sample aside.", "concern:sensitive"},
	{"chenglu-xinyi", "Three steps for sensitive skin", "Three things first while your skin is sensitive, {customer}: the gentle foam, the hydrating toner and the ceramide cream. Give them two weeks.", "concern:sensitive"},
	{"chanty-xinyi", "淡香水新到", "{customer}，這週剛到的晨露淡香水很清淡，鈴蘭與白麝香，30 ml 是 NT$2,280，試香紙我先幫您留一張。", "scent:light"},
	{"chanty-xinyi", "A light scent", "Morning Dew has just arrived, {customer}: lily of the valley and white musk, very light, 30 ml at NT$2,280. Shall I keep a paper strip for you?", "scent:light"},
}

// group is what was made, by the keys above.
type group struct {
	brands   map[string]string
	counters map[string]string
	people   map[string]string
	accounts map[string]conversation.Account
}

// open makes the group through the rooms' own functions.
func (s *seeder) open(tx *db.Tx) (group, error) {
	g := group{brands: map[string]string{}, counters: map[string]string{}, people: map[string]string{}, accounts: map[string]conversation.Account{}}
	sys := staff.System()
	places := map[string]string{}
	for _, x := range stores {
		made, err := staff.SaveStore(tx, sys, staff.StoreForm{Name: x.name, Timezone: zoneName})
		if err != nil {
			return g, fmt.Errorf("store %s: %w", x.key, err)
		}
		places[x.key] = made.ID
	}
	for _, x := range brands {
		made, err := staff.SaveBrand(tx, sys, staff.BrandForm{Name: x.name})
		if err != nil {
			return g, fmt.Errorf("brand %s: %w", x.key, err)
		}
		g.brands[x.key] = made.ID
	}
	for _, x := range counters {
		made, err := staff.SaveCounter(tx, sys, staff.CounterForm{StoreID: places[x.store], BrandID: g.brands[x.brand], Name: x.name})
		if err != nil {
			return g, fmt.Errorf("counter %s: %w", x.key, err)
		}
		g.counters[x.key] = made.ID
	}
	for _, x := range people {
		read := shown[x.key]
		made, err := staff.SaveStaff(tx, sys, staff.StaffForm{Name: x.name, Email: x.key + "@dingdong.example", Role: x.role, Language: x.language,
			Counters: each(x.counters, g.counters), Stores: each(x.stores, places), Shown: &read})
		if err != nil {
			return g, fmt.Errorf("person %s: %w", x.key, err)
		}
		g.people[x.key] = made.ID
	}
	for i, x := range replies {
		_, err := s.desk.SaveReply(tx, sys, conversation.Reply{CounterID: g.counters[x.counter], Title: x.title, Text: x.text, Position: i, Tag: x.tag})
		if err != nil {
			return g, fmt.Errorf("saved reply %s: %w", x.title, err)
		}
	}
	if err := s.openAccounts(tx, g); err != nil {
		return g, err
	}
	return g, s.openCards(tx, g)
}

func each(keys []string, ids map[string]string) (out []string) {
	for _, k := range keys {
		out = append(out, ids[k])
	}
	return out
}

// openAccounts makes the accounts: a LINE for every counter, at the stand-in, and
// the shop's web chat. Credentials are new each time, as real ones would be.
func (s *seeder) openAccounts(tx *db.Tx, g group) error {
	sys := staff.System()
	for _, x := range counters {
		base := s.o.PhoneURL + "/" + x.key
		liff := liffOf(x.key, base)
		made, err := s.desk.SaveAccount(tx, sys, conversation.AccountForm{Channel: channel.LINE, Name: x.name, CounterID: g.counters[x.key],
			Secret: rand.Text(), Token: rand.Text() + rand.Text(), APIBase: base, DataBase: base, LIFF: &liff})
		if err != nil {
			return fmt.Errorf("account %s: %w", x.key, err)
		}
		g.accounts[x.key] = made
	}
	made, err := s.desk.SaveAccount(tx, sys, conversation.AccountForm{Channel: channel.WebChat, Name: webName, CounterID: g.counters[webCounter],
		Origins: []string{s.o.ShopURL}, Greeting: greeting})
	if err != nil {
		return fmt.Errorf("account %s: %w", webKey, err)
	}
	g.accounts[webKey] = made
	return nil
}
