import { ownVariables } from '../transfer/store-names.ts'

/** What a variable is for, by its name. `system`: a setting if the project sets it, as `PORT` in `.env`. */
export type Kind = 'secret' | 'setting' | 'system' | 'ignored'

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

/** Words that make a name that of a secret. */
const secretWords = words(
  'TOKEN TOKENS KEY KEYS SECRET SECRETS PASSWORD PASSWORDS PASSWD PASSWORT PASSPHRASE PASS PWD CREDENTIAL CREDENTIALS DSN APIKEY PAT SALT PEPPER PRIVATE SIGNATURE',
)
/** As the last word they tell something about a secret, which is none itself. */
const aboutWords = words(
  'ID FILE PATH DIR NAME URL URI TTL LENGTH EXPIRY EXPIRES LIFETIME SECONDS MINUTES HOURS DAYS MS ENABLED TYPE ALGORITHM ALG COUNT LIMIT SIZE HEADER HOST PORT ROUNDS REGION ISSUER AUDIENCE VERSION PREFIX ENDPOINT FORMAT',
)
/** Stores whose address has a user and a password in it. */
const stores = words(
  'DATABASE DB POSTGRES POSTGRESQL PG MYSQL MARIADB MONGO MONGODB REDIS VALKEY AMQP RABBITMQ CLICKHOUSE ELASTICSEARCH SMTP NATS MSSQL SUPABASE',
)
/** What a build puts into pages, where everybody reads it. */
const publicPrefixes = ['NEXT_PUBLIC_', 'VITE_', 'REACT_APP_', 'PUBLIC_', 'NUXT_PUBLIC_', 'EXPO_PUBLIC_', 'GATSBY_']
/** What a store itself is opened with, which cannot be in the store. */
const ofStores = words('AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN VAULT_TOKEN')
/** Set by systems, shells and runners, not by whoever deploys. */
const ofSystem = words(
  'NODE_ENV PORT HOST HOSTNAME HOME PATH PWD OLDPWD USER USERNAME LOGNAME SHELL TERM TMPDIR TMP TEMP TZ LANG LANGUAGE CI DEBUG NO_COLOR FORCE_COLOR COLORTERM EDITOR VISUAL PAGER DISPLAY NODE_OPTIONS NODE_PATH NODE_DEBUG NODE_TEST_CONTEXT APPDATA LOCALAPPDATA USERPROFILE COMSPEC SYSTEMROOT VITEST JEST_WORKER_ID INIT_CWD LC_ALL LC_CTYPE SHLVL HTTP_PROXY HTTPS_PROXY NO_PROXY GITHUB_ACTIONS',
)
const systemPrefixes = ['npm_', 'XDG_', 'VITEST_', 'VSCODE_']

/** What a variable of this name is for. */
export function kindOf(name: string): Kind {
  if (ownVariables.has(name)) return 'ignored'
  if (ofSystem.has(name) || systemPrefixes.some((prefix) => name.startsWith(prefix))) return 'system'
  if (ofStores.has(name) || publicPrefixes.some((prefix) => name.startsWith(prefix))) return 'setting'
  return isSecret(wordsOf(name)) ? 'secret' : 'setting'
}

function isSecret(parts: readonly string[]): boolean {
  const last = parts.at(-1) ?? ''
  if (parts.includes('PUBLIC') || parts.includes('PUBLISHABLE')) return false
  if (last === 'URL' || last === 'URI') return parts.some((part) => stores.has(part) || part === 'WEBHOOK')
  if (parts.join('_').endsWith('CONNECTION_STRING')) return true
  return !aboutWords.has(last) && parts.some((part) => secretWords.has(part))
}

/** `dbPassword` and `DB_PASSWORD` have the same words. */
function wordsOf(name: string): string[] {
  const parted = name === name.toUpperCase() ? name : name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '_')
  return parted.toUpperCase().split('_').filter(Boolean)
}
