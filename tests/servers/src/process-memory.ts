import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

/**
 * How often each of the texts stands in the memory that a process can write, as far as it was ever
 * used. Linux alone shows a process's memory as a file.
 */
export function timesInMemory(pid: number | undefined, forms: readonly Buffer[]): readonly number[] {
  const [memory, pages] = [openSync(`/proc/${pid}/mem`, 'r'), openSync(`/proc/${pid}/pagemap`, 'r')]
  const regions = readFileSync(`/proc/${pid}/smaps`, 'utf8').matchAll(
    /^([0-9a-f]+)-([0-9a-f]+) rw[^]*?^KernelPageSize: +([0-9]+) kB$[^]*?^Rss: +([0-9]+) kB$/gm,
  )
  const used = [...regions]
    .filter(([, , , , rss]) => rss !== '0')
    .flatMap(([, from, to, size]) => usedParts(pages, Number(`0x${from}`), Number(`0x${to}`), Number(size) * 1024))
    .map(([from, to]) => partOf(memory, from, to))
  for (const file of [memory, pages]) closeSync(file)
  return forms.map((form) => used.reduce((times, part) => times + timesIn(part, form), 0))
}

type Part = readonly [from: number, to: number]

/**
 * A region reserves up to half a gigabyte of which a few pages are used: those that are in memory,
 * or swapped out.
 */
function usedParts(pages: number, from: number, to: number, pageSize: number): Part[] {
  const entries = Buffer.alloc(((to - from) / pageSize) * 8)
  readSync(pages, entries, 0, entries.length, (from / pageSize) * 8)
  const parts: Part[] = []
  for (let page = from; page < to; page += pageSize) {
    if ((entries[((page - from) / pageSize) * 8 + 7] ?? 0) < 0b0100_0000) continue
    const last = parts.at(-1)
    if (last?.[1] === page) parts[parts.length - 1] = [last[0], page + pageSize]
    else parts.push([page, page + pageSize])
  }
  return parts
}

/** Empty for a part that cannot be read, such as a device's. */
function partOf(memory: number, from: number, to: number): Buffer {
  const part = Buffer.allocUnsafe(to - from)
  try {
    return part.subarray(0, readSync(memory, part, 0, part.length, from))
  } catch {
    return Buffer.alloc(0)
  }
}

function timesIn(part: Buffer, bytes: Buffer): number {
  let times = 0
  for (let at = part.indexOf(bytes); at !== -1; at = part.indexOf(bytes, at + 1)) times += 1
  return times
}
