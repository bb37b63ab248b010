/**
 * One record of comma-separated values as Go's encoding/csv reads it: fields may stand in quotes, quotes inside are
 * doubled (RFC 4180).
 * @module
 */
import { failure } from "../errors/mod.ts";

/** The fields of `record`. @throws usage with Go's text */
export function csvFields(record: string): readonly string[] {
  const fields: string[] = [];
  for (let at = 0; ;) {
    if (record[at] === '"') {
      const [field, end] = quoted(record, at + 1);
      fields.push(field);
      at = end;
    } else {
      const comma = record.indexOf(",", at);
      const end = comma < 0 ? record.length : comma;
      const field = record.slice(at, end);
      if (field.includes('"')) throw wrong(at + field.indexOf('"'), 'bare " in non-quoted-field');
      fields.push(field);
      at = end;
    }
    if (at >= record.length) return fields;
    at++;
  }
}

function quoted(record: string, start: number): readonly [string, number] {
  let field = "";
  for (let at = start; ;) {
    const quote = record.indexOf('"', at);
    if (quote < 0) throw wrong(record.length, 'extraneous or missing " in quoted-field');
    field += record.slice(at, quote);
    const next = record[quote + 1];
    if (next === undefined || next === ",") return [field, quote + 1];
    if (next !== '"') throw wrong(quote + 1, 'extraneous or missing " in quoted-field');
    field += '"';
    at = quote + 2;
  }
}

function wrong(column: number, what: string): Error {
  return failure("usage", { message: `parse error on line 1, column ${column + 1}: ${what}` });
}
