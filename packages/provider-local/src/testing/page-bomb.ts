import { readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

const pageSize = 4096
const depth = 8
const fanOut = 30

/**
 * Makes a table of a closed store seem endless (sqlite.org/fileformat.html). Its root becomes a
 * page whose children are all one page, and so on down to the old root.
 */
export function plantBomb(path: string, table: string): void {
  const root = rootPage(path, table)
  const intact = readFileSync(path)
  const file = Buffer.concat([intact, Buffer.alloc(pageSize * depth)])
  const page = (number: number): Buffer => file.subarray((number - 1) * pageSize, number * pageSize)
  const added = intact.length / pageSize + 1
  page(root).copy(page(added))
  for (let level = 1; level < depth; level++) writeInterior(page(added + level), page(added), added + level - 1)
  writeInterior(page(root), page(added), added + depth - 1)
  file.writeUInt32BE(file.length / pageSize, 28)
  writeFileSync(path, file)
}

/** A page above `child`, of the same kind as the leaf. */
function writeInterior(page: Buffer, leaf: Buffer, child: number): void {
  const isTable = leaf[0] === 13
  // a table's interior cell is a row number, an index's a whole row
  const cell = isTable ? Buffer.of(0x7f) : firstCell(leaf)
  page.fill(0)
  page[0] = isTable ? 5 : 2
  page.writeUInt16BE(fanOut, 3)
  let at = pageSize
  for (let index = 0; index < fanOut; index++) {
    at -= 4 + cell.length
    page.writeUInt32BE(child, at)
    cell.copy(page, at + 4)
    page.writeUInt16BE(at, 12 + 2 * index)
  }
  page.writeUInt16BE(at, 5)
  page.writeUInt32BE(child, 8)
}

/** Of at most 127 bytes, so that its length is one byte. */
function firstCell(leaf: Buffer): Buffer {
  const at = leaf.readUInt16BE(8)
  return leaf.subarray(at, at + 1 + leaf.readUInt8(at))
}

function rootPage(path: string, table: string): number {
  const sqlite = new DatabaseSync(path)
  const row = sqlite.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(table)
  sqlite.close()
  return Number(row?.['rootpage'])
}
