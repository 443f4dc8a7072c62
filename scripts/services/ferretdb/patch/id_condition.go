package sqlite

import (
	"fmt"
	"strings"

	"github.com/FerretDB/FerretDB/internal/backends/sqlite/metadata"
	"github.com/FerretDB/FerretDB/internal/handler/sjson"
	"github.com/FerretDB/FerretDB/internal/types"
	"github.com/FerretDB/FerretDB/internal/util/must"
)

// idCondition lets SQLite find by primary key the documents that a filter names by `_id`, whatever else
// the filter asks: FerretDB itself does so only where `_id` is all of it, and else reads the whole
// collection for every guarded write. What SQLite finds is still put through the whole filter.
func idCondition(filter *types.Document) (string, []any) {
	if filter == nil {
		return "", nil
	}

	named, _ := filter.Get("_id")

	if operators, ok := named.(*types.Document); ok {
		if operators.Len() != 1 {
			return "", nil
		}

		if value, err := operators.Get("$eq"); err == nil {
			named = value
		} else if value, err := operators.Get("$in"); err == nil {
			if array, ok := value.(*types.Array); ok {
				return oneOf(array)
			}
		}
	}

	if _, ok := named.(string); !ok {
		return "", nil
	}

	return fmt.Sprintf(` WHERE %s = ?`, metadata.IDColumn), []any{columnOf(named)}
}

func oneOf(ids *types.Array) (string, []any) {
	args := make([]any, 0, ids.Len())

	for i := range ids.Len() {
		id, ok := must.NotFail(ids.Get(i)).(string)
		if !ok {
			return "", nil
		}

		args = append(args, columnOf(id))
	}

	// SQLite takes 32,766 parameters; an empty list is left to the filter.
	if len(args) == 0 || len(args) > 30000 {
		return "", nil
	}

	return fmt.Sprintf(` WHERE %s IN (?%s)`, metadata.IDColumn, strings.Repeat(", ?", len(args)-1)), args
}

func columnOf(id any) string {
	return string(must.NotFail(sjson.MarshalSingleValue(id)))
}
