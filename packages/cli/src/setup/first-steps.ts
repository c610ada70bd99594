import type { Environment } from '@finchat/secrets-core'
import { configFileName } from '../config/find-config.ts'
import { installCommand } from '../config/install-command.ts'
import { packageOf } from '../config/provider-packages.ts'
import { storeNames } from '../config/settings.ts'
import { shellWord } from '../terminal/shell-word.ts'
import { visible } from '../terminal/visible.ts'
import { type Choice, openPoints } from './config-text.ts'
import type { FoundName } from './found-names.ts'
import { dependsOn } from './manifest.ts'

/** What `init` set up. */
interface Setup {
  readonly folder: string
  /** The name of the configuration file. */
  readonly file: string
  readonly found: readonly FoundName[]
  readonly choice: Choice
}

/** The first phase of a migration: the chain still answers from variables. */
export function firstSteps(plan: Setup, env: Environment): string[] {
  const { choice, folder, file } = plan
  const { provider } = choice
  const name = packageOf(provider)
  const install = name === undefined || dependsOn(name, folder) ? [] : [installCommand([name], folder)]
  const config = file === configFileName ? '' : ` --config ${file}`
  const filled = filledFile(plan)
  const isStore = storeNames.includes(provider)
  const fill = isStore ? fillSteps(plan, filled, config) : []
  const program = provider === 'env' && filled !== undefined ? withEnvFile(filled) : 'finchat-secrets'
  const steps = [`${program} check${config}`, `${program} run${config} -- node app.js`]
  return [...install, ...openPoints(provider, env), ...fill, ...steps, ...(isStore && filled !== undefined ? [removal(filled)] : [])]
}

/** The program with the variables of a file, by its path: Node.js cannot run what pnpm has in `.bin`. */
function withEnvFile({ file }: FilledFile): string {
  return `node --env-file=${shellWord(file)} node_modules/@finchat/secrets-cli/dist/main.js`
}

/** A `.env` file with values, and the secrets that it has. */
interface FilledFile {
  readonly file: string
  readonly secrets: readonly string[]
}

/** The `.env` file to migrate: by its name, or else the first that has a value. */
function filledFile({ found, choice }: Setup): FilledFile | undefined {
  const chosen = found.filter(({ name }) => choice.secrets.includes(name))
  const files = chosen.flatMap(({ filledIn }) => filledIn).toSorted()
  const file = files.includes('.env') ? '.env' : files[0]
  return file === undefined
    ? undefined
    : { file, secrets: chosen.filter(({ filledIn }) => filledIn.includes(file)).map(({ name }) => name) }
}

function fillSteps({ choice: { provider, secrets } }: Setup, filled: FilledFile | undefined, config: string): string[] {
  const [missing] = secrets.filter((name) => !filled?.secrets.includes(name))
  const another = `NAME${config === '' ? ' --declare' : ''}` // no program can be written into
  const set = missing === undefined && filled !== undefined ? [] : [`finchat-secrets set${config} ${missing ?? another}`]
  if (filled === undefined) return set
  return [`finchat-secrets migrate${config} --from ${shellWord(`dotenv:${filled.file}`)} --to ${provider} --apply`, ...set]
}

function removal({ file, secrets }: FilledFile): string {
  return `then remove from ${visible(file)}: ${secrets.join(', ')}; finchat-secrets run gives them to the application`
}
