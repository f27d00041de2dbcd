package text

var utf8Mark = []byte("\xef\xbb\xbf")
