package catalogue

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"dingdong/internal/db"
)

// column is a field of ours and the headings that tills and spreadsheets give it, folded
// as heading does.
type column struct {
	ImportField
	headings string // by spaces
}

// purchaseColumns and productColumns are in the order in which a form offers them; where
// two fields could take a heading, the first does.
var importColumns = map[ImportKind][]column{
	ImportPurchases: {
		{ImportField{"ref", true}, "ref receipt receiptno receiptnumber receiptid invoice invoiceno invoicenumber orderno ordernumber orderid order transactionno transactionid transaction purchaseno documentno 單號 交易單號 交易序號 交易編號 銷售單號 發票號碼 發票 訂單編號 訂單號碼 收據號碼 收據 结算单号 单号 交易单号 订单编号"},
		{ImportField{"at", true}, "at date datetime timestamp purchasedate purchasedat transactiondate saledate saledat orderdate solddate 日期 交易日期 銷售日期 購買日期 消費日期 訂單日期 交易日 交易時間戳 日期時間 交易日期時間 交易日期时间 购买日期 销售日期"},
		{ImportField{"time", false}, "time purchasetime transactiontime saletime 時間 交易時間 銷售時間 購買時間 消費時間 时间 交易时间"},
		{ImportField{"kind", false}, "kind type transactiontype saletype 類型 類別 交易類型 交易類別 交易別 銷退別 类型 交易类型"},
		{ImportField{"returns_ref", false}, "returnsref returnof returnedreceipt originalreceipt originalref originalorder 原單號 原交易單號 退貨單號 原始單號 原發票號碼 原单号"},
		{ImportField{"customer", false}, "customer customerid dingdongid"},
		{ImportField{"member", false}, "member memberno membernumber memberid membercode membership membershipno cardno cardnumber loyaltyno 會員編號 會員號碼 會員卡號 會員代號 會員 卡號 贵宾卡号 會員id 会员编号 会员卡号 会员号"},
		{ImportField{"phone", false}, "phone phonenumber mobile mobilephone mobileno cellphone tel telephone 電話 手機 手機號碼 行動電話 會員手機 聯絡電話 电话 手机 手机号"},
		{ImportField{"store", false}, "store storename storeid shop branch department 門市 門市名稱 店名 店別 分店 百貨 店櫃 门店 分店名稱"},
		{ImportField{"counter", false}, "counter countername counterid 專櫃 櫃位 櫃點 專櫃名稱 櫃別 专柜 柜位"},
		{ImportField{"advisor", false}, "advisor advisoremail advisorid staff staffemail salesperson seller ba 美容顧問 專櫃人員 銷售人員 業務員 售貨員 顧問 員工信箱 顾问 销售人员"},
		{ImportField{"total", false}, "total totalamount grandtotal receipttotal ordertotal 總金額 總計 合計 交易總額 消費總額 應付金額 实付金额 總額 总金额 合计"},
		{ImportField{"currency", false}, "currency currencycode 幣別 貨幣 币种 貨幣代碼"},
		{ImportField{"sku", false}, "sku item itemno itemnumber itemcode article articleno productcode productid 貨號 商品編號 商品貨號 品號 料號 商品代號 產品編號 货号 商品编号"},
		{ImportField{"name", false}, "name product productname itemname description 品名 商品名稱 產品名稱 商品 品項 名稱 商品名称 产品名称"},
		{ImportField{"quantity", false}, "quantity qty pieces count units 數量 件數 销售数量 銷售數量 数量 件数"},
		{ImportField{"amount", false}, "amount lineamount linetotal subtotal price netamount 金額 小計 銷售金額 實收金額 交易金額 消費金額 單項金額 金额 小计 销售金额"},
		{ImportField{"source", false}, "source system pos till 來源 系統 收銀系統 来源"},
	},
	ImportCustomers: {
		{ImportField{"member", false}, "member memberno membernumber memberid membercode membership membershipno cardno cardnumber loyaltyno customerno customernumber 會員編號 會員號碼 會員卡號 會員代號 會員 卡號 客戶編號 會員id 会员编号 会员卡号 会员号 贵宾卡号"},
		{ImportField{"phone", false}, "phone phonenumber mobile mobilephone mobileno mobilenumber cellphone tel telephone 電話 手機 手機號碼 行動電話 會員手機 聯絡電話 电话 手机 手机号 手机号码"},
		{ImportField{"email", false}, "email emailaddress mail 電子郵件 電子信箱 信箱 郵件 电子邮件 邮箱"},
		{ImportField{"name", false}, "name fullname customername membername 姓名 名字 會員姓名 客戶姓名 顧客姓名 会员姓名 客户姓名 稱呼"},
		{ImportField{"counter", false}, "counter countername counterid homecounter 專櫃 櫃位 櫃點 專櫃名稱 所屬專櫃 入會專櫃 专柜 柜位"},
		{ImportField{"birthday", false}, "birthday birthdate dateofbirth dob born 生日 出生日期 出生年月日 会员生日 會員生日"},
	},
	ImportProducts: {
		{ImportField{"ref", true}, "ref productref productno productnumber productid productcode styleno 產品編號 商品編號 商品代號 款號 產品代號 商品编号 产品编号"},
		{ImportField{"name", true}, "name productname product title 品名 商品名稱 產品名稱 商品 名稱 商品名称 产品名称"},
		{ImportField{"brand", false}, "brand brandname maker 品牌 品牌名稱 廠牌 品牌名称"},
		{ImportField{"category", false}, "category producttype group 類別 分類 商品分類 品類 类别 分类"},
		{ImportField{"lasts_days", false}, "lastsdays lasts days usagedays 使用天數 可用天數 用量天數 使用天数"},
		{ImportField{"url", false}, "url link producturl website 網址 連結 商品網址 网址 链接"},
		{ImportField{"closed", false}, "closed discontinued inactive 停售 下架 停產 停用"},
		{ImportField{"sku", false}, "sku variantsku item itemno itemcode article articleno 貨號 商品貨號 品號 料號 单品编号 货号"},
		{ImportField{"variant", false}, "variant variantname option spec specification 規格 款式 品項 規格名稱 规格"},
		{ImportField{"shade", false}, "shade shadename colorname colourname 色號 色名 顏色 色系 色号 颜色"},
		{ImportField{"colour", false}, "colour color hex rgb colorcode colourcode 色碼 色码"},
		{ImportField{"size", false}, "size volume content capacity 容量 尺寸 大小 重量 规格容量"},
		{ImportField{"scent", false}, "scent fragrance smell 香味 香調 香氣 味道 香调"},
		{ImportField{"barcode", false}, "barcode ean gtin upc 條碼 國際條碼 商品條碼 条码"},
		{ImportField{"arrived_at", false}, "arrivedat arrival arrivaldate launch launchdate releasedate onsale 上市日期 到貨日期 上架日期 到櫃日期 上市日 到货日期"},
		{ImportField{"facets", false}, "facets facet tags attributes 特性 標籤 屬性 标签"},
		{ImportField{"price", false}, "price listprice retailprice amount 價格 售價 定價 單價 建議售價 价格 售价 定价"},
		{ImportField{"currency", false}, "currency currencycode 幣別 貨幣 币种"},
		{ImportField{"store", false}, "store storename shop branch pricestore 門市 門市名稱 店名 店別 分店 门店"},
	},
}

// ImportFields lists what columns of a kind of file can hold.
func ImportFields(k ImportKind) []ImportField {
	out := make([]ImportField, len(importColumns[k]))
	for i, c := range importColumns[k] {
		out[i] = c.ImportField
	}
	return out
}

// folded is a heading without what people write differently: width, case, spaces, marks,
// and a remark in brackets.
func folded(s string) string {
	s = strings.ToLower(norm.NFKC.String(oneLine(s)))
	if i := strings.IndexAny(s, "(["); i > 0 {
		s = s[:i]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, s)
}

// leaveOut in a mapping keeps a field empty although a heading would fit.
const leaveOut = "-"

// mapped is which column of a file holds which field.
type mapped struct {
	at       map[string]int // field -> column
	headings []string
}

// mapColumns guesses which column holds which field, after what was said about it.
func mapColumns(k ImportKind, headings []string, said map[string]string) (mapped, error) {
	m := mapped{at: map[string]int{}, headings: make([]string, len(headings))}
	names := make([]string, len(headings))
	for i, h := range headings {
		m.headings[i] = oneLine(h)
		names[i] = folded(h)
	}
	used := map[int]bool{}
	fields := importColumns[k]
	for name, heading := range said {
		if !slices.ContainsFunc(fields, func(c column) bool { return c.Name == name }) {
			return m, db.Invalid{Field: "columns." + name, Code: "unknown"}
		}
		if heading == leaveOut || heading == "" {
			continue
		}
		i := slices.Index(m.headings, oneLine(heading))
		if i < 0 {
			i = slices.Index(names, folded(heading))
		}
		if i < 0 {
			return m, db.Invalid{Field: "columns." + name, Code: "unknown"}
		}
		m.at[name], used[i] = i, true
	}
	for _, c := range fields {
		if heading, ok := said[c.Name]; ok && heading != "" {
			continue
		}
		for _, want := range strings.Fields(c.headings) {
			if i := slices.Index(names, want); i >= 0 && !used[i] {
				m.at[c.Name], used[i] = i, true
				break
			}
		}
	}
	return m, nil
}

// missing lists the required fields that no column holds. A product without a number of
// its own is known by its SKU.
func (m mapped) missing(k ImportKind) []string {
	var out []string
	for _, c := range importColumns[k] {
		_, ok := m.at[c.Name]
		if _, sku := m.at["sku"]; k == ImportProducts && c.Name == "ref" {
			ok = ok || sku
		}
		if c.Required && !ok {
			out = append(out, c.Name)
		}
	}
	if k == ImportCustomers {
		_, member := m.at["member"]
		_, phone := m.at["phone"]
		if !member && !phone {
			out = append(out, "member")
		}
	}
	if k == ImportPurchases && len(out) == 0 {
		_, total := m.at["total"]
		_, amount := m.at["amount"]
		if !total && !amount {
			out = append(out, "total")
		}
	}
	return out
}

// columns says field -> heading.
func (m mapped) columns() map[string]string {
	out := make(map[string]string, len(m.at))
	for field, i := range m.at {
		out[field] = m.headings[i]
	}
	return out
}

// cell gives the cell of a field; rows may be shorter than the headings.
func (m mapped) cell(row []string, field string) string {
	if i, ok := m.at[field]; ok && i < len(row) {
		return strings.TrimSpace(row[i])
	}
	return ""
}
