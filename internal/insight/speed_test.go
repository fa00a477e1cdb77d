package insight

import "testing"

func BenchmarkRead(b *testing.B) {
	r := testLexicons(b)
	for b.Loop() {
		r.Read("我是敏感肌,想找淡一點的香水送我媽媽,不要口紅")
	}
}
