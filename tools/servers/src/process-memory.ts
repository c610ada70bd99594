import { closeSync, openSync, readFileSync, readSync } from 'node:fs'

/**
 * How often each of the texts stands in the memory that a process can write, as far as it was ever used. Linux alone shows
 * a process's memory as a file.
 */
export function timesInMemory(pid: number | undefined, forms: readonly Buffer[]): readonly number[] {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const places = readFileSync(`/proc/${pid}/smaps`, 'utf8').matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw[^]*?^Rss: +([1-9][0-9]*|0) kB$/gm)
  const regions = [...places]
    .filter(([, , , used]) => used !== '0')
    .map(([, from, to]) => regionOf(memory, Number(`0x${from}`), Number(`0x${to}`)))
  closeSync(memory)
  return forms.map((form) => regions.reduce((times, region) => times + timesIn(region, form), 0))
}

/** Empty for a region that cannot be read, such as a device's. */
function regionOf(memory: number, from: number, to: number): Buffer {
  const region = Buffer.allocUnsafe(to - from)
  try {
    return region.subarray(0, readSync(memory, region, 0, region.length, from))
  } catch {
    return Buffer.alloc(0)
  }
}

function timesIn(region: Buffer, bytes: Buffer): number {
  let times = 0
  for (let at = region.indexOf(bytes); at !== -1; at = region.indexOf(bytes, at + 1)) times += 1
  return times
}
