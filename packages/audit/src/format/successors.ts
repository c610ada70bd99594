import { opendirSync } from 'node:fs'
import { successorsIn } from './index-marks.ts'

const bufferSize = 256

/** The names in a folder that may follow it, by age. The listing is read as a stream: the first folder may hold many segments. */
export function successorsOf(folder: string): readonly string[] {
  const names: string[] = []
  const listing = opendirSync(folder, { bufferSize })
  try {
    for (let entry = listing.readSync(); entry !== null; entry = listing.readSync()) names.push(...successorsIn([entry.name]))
  } finally {
    listing.closeSync()
  }
  return successorsIn(names)
}
