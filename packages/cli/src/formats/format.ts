import { basename, extname } from 'node:path'
import { isEnvFile } from '../files/env-file.ts'
import { UsageError } from '../terminal/failure.ts'

const formats = ['dotenv', 'json', 'yaml', 'k8s', 'age'] as const
export type Format = (typeof formats)[number]
/** What may be inside an age file. */
export type InnerFormat = 'dotenv' | 'json'

const byEnding: Readonly<Record<string, Format>> = { '.env': 'dotenv', '.json': 'json', '.yaml': 'yaml', '.yml': 'yaml', '.age': 'age' }

/** The format that is given, or else that of the file's name. */
export function formatOf(given: string | undefined, file: string | undefined): Format {
  const found =
    given === undefined ? formatOfName(basename(file ?? '')) : formats.find((format) => format === (given === 'kubernetes' ? 'k8s' : given))
  if (found !== undefined) return found
  throw new UsageError(
    given === undefined ? 'the format does not follow from the name of the file' : '--format is not known',
    `say it by --format ${formats.join(', ')}`,
  )
}

/** `.env` and `.env.local` have no ending of their own. */
function formatOfName(name: string): Format | undefined {
  return isEnvFile(name) ? 'dotenv' : byEnding[extname(name)]
}

/** What is inside an age file: what is given, or what its name says, such as `prod.env.age`. */
export function innerFormatOf(given: string | undefined, file = ''): InnerFormat {
  if (given === 'dotenv' || given === 'json') return given
  if (given !== undefined) throw new UsageError('--inner is neither dotenv nor json', 'say which of them the age file holds')
  return file.endsWith('.env.age') ? 'dotenv' : 'json'
}
