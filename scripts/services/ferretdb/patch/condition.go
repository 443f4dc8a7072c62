package sqlite

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/FerretDB/FerretDB/internal/backends/sqlite/metadata"
	"github.com/FerretDB/FerretDB/internal/handler/sjson"
	"github.com/FerretDB/FerretDB/internal/types"
	"github.com/FerretDB/FerretDB/internal/util/must"
)

// plain is what JSON writes one way only, so that a value found in a document equals the one asked for.
var plain = regexp.MustCompile(`^[\w:.-]+$`)

// condition lets SQLite find, by primary key and by the indexes that the client made, the documents that a
// filter names by strings, whatever else the filter asks: FerretDB itself does so only where `_id` is all
// of it, and else reads the whole collection for every guarded write and every look-up by another field.
// What SQLite finds is still put through the whole filter. A field that holds a list is not found by one of
// its items; nothing here asks for that.
func condition(filter *types.Document) (string, []any) {
	if filter == nil {
		return "", nil
	}

	var conditions []string
	var args []any

	for _, key := range filter.Keys() {
		if strings.HasPrefix(key, "$") || !plain.MatchString(key) || strings.Contains(key, ".") {
			continue
		}

		wanted := namedBy(must.NotFail(filter.Get(key)))
		if len(wanted) == 0 {
			continue
		}

		// To the letter what FerretDB makes its indexes of.
		column := fmt.Sprintf("%s->%q", metadata.DefaultColumn, key)
		if key == "_id" {
			column = metadata.IDColumn
		}

		conditions = append(conditions, fmt.Sprintf("%s IN (?%s)", column, strings.Repeat(", ?", len(wanted)-1)))
		args = append(args, wanted...)
	}

	if len(conditions) == 0 {
		return "", nil
	}

	return " WHERE " + strings.Join(conditions, " AND "), args
}

// namedBy is every value, as it is stored, that can match; none where that cannot be told from strings.
func namedBy(named any) []any {
	if operators, ok := named.(*types.Document); ok {
		if operators.Len() != 1 {
			return nil
		}

		if value, err := operators.Get("$eq"); err == nil {
			named = value
		} else if value, err := operators.Get("$in"); err == nil {
			if array, ok := value.(*types.Array); ok {
				return oneOf(array)
			}
		}
	}

	text, ok := named.(string)
	if !ok || !plain.MatchString(text) {
		return nil
	}

	return []any{stored(text)}
}

func oneOf(values *types.Array) []any {
	// SQLite takes 32,766 parameters.
	if values.Len() > 10000 {
		return nil
	}

	wanted := make([]any, 0, values.Len())

	for i := range values.Len() {
		text, ok := must.NotFail(values.Get(i)).(string)
		if !ok || !plain.MatchString(text) {
			return nil
		}

		wanted = append(wanted, stored(text))
	}

	return wanted
}

func stored(text string) string {
	return string(must.NotFail(sjson.MarshalSingleValue(text)))
}
