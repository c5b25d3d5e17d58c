// Package contrast sets runs on disk side by side: it loads them, refuses to compare what is not alike, asks stat what
// differs, and puts the answer into a table, a document and a page.
//
// It owns the form of a comparison: the text table, the JSON document (its version is Version; keys are only ever
// added to one) and the self-contained HTML page.
//
// What it promises:
//
//   - Runs with unlike settings are compared only when that is allowed, and the settings are named.
//   - What makes figures doubtful is said beside them: other machines, another boot, runs that were cut short or that
//     the lab itself held up, another meaning of an acknowledgement.
//   - The first line is the verdict, in one sentence.
//
// Nothing here is safe for concurrent use, nor shared.
package contrast
