import { NameKeys } from '../record/name-keys.ts'

/* Seals names under the keys of a file, and sends what stands in records. */
const [, , file = '', ...names] = process.argv
const keys = new NameKeys(file)
process.send?.(names.map((name) => keys.seal(name)))
