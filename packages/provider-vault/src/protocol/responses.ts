import type { SecretsErrorCode } from '@finchat/secrets-core'
import { isObject, member, says, type VaultAnswer } from '../http/answer.ts'

/** What was asked: a write may have been done though its answer says nothing of it, and a login's refusal is the credential's. */
export type CallKind = 'read' | 'write' | 'login'

/** What an answer means. */
export interface Outcome {
  readonly code: SecretsErrorCode
  readonly problem: string
  readonly remedy?: string
  /**
   * `read`: a read or a login may be sent again, a few times. `all`: so may a write, because the
   * server says that it did nothing. `election`: a read or a login may be sent again while it has
   * time, because there will be another leader.
   */
  readonly again?: 'read' | 'all' | 'election'
  /** A write may have been done. */
  readonly isOpen?: true
}

interface Row {
  readonly status: readonly number[] | ((status: number) => boolean)
  readonly when?: (answer: VaultAnswer) => boolean
  readonly calls?: readonly CallKind[]
  /** `answer`: no error, but what was asked for, or that it does not exist. */
  readonly is: Outcome | 'answer'
}

const fails = (code: SecretsErrorCode, problem: string, remedy: string): Outcome => ({ code, problem, remedy })
const outage = (problem: string, remedy: string): Outcome => fails('UNAVAILABLE', problem, remedy)
const broken = (problem: string): Outcome => ({ ...outage(problem, 'see the log of the server'), again: 'read', isOpen: true })
const reachVault = 'point `url` at Vault itself, or at what passes its answers on unchanged'
const notVaults = (code: SecretsErrorCode): Outcome => fails(code, 'the answer is not one of Vault', reachVault)

const refused = fails('UNAUTHENTICATED', 'Vault refused the credential', 'give a valid one')
const behind: Outcome = { ...outage('the node is behind what was read or written before', 'try again'), again: 'all' }
/** A standby answers so when it could not pass the request on, or lost the leader while that had it: a write may have been done. */
const leaderless: Outcome = {
  ...outage('the node does not reach a leader of the cluster', 'try again, or look at the cluster'),
  again: 'election',
  isOpen: true,
}
const upgrading = outage('the mount is being upgraded to versions', 'wait until it is done')
const unknown: Outcome = { ...fails('INTERNAL', 'the status of the answer is not known', reachVault), isOpen: true }

/** Each row as measured on OpenBao 2.7, and where they speak of it as Vault's documents say; the first that fits counts. */
const table: readonly Row[] = [
  { status: [200], when: isVaults, is: 'answer' },
  { status: [204], is: 'answer' },
  { status: (status) => status < 300, is: { ...notVaults('INTERNAL'), isOpen: true } },

  { status: [307], is: leaderless },
  { status: (status) => status < 400, is: fails('CONFIGURATION', 'the server redirects, which is not followed with a token', reachVault) },

  { status: [400], when: isEmpty, is: fails('INVALID_ARGUMENT', 'Vault refused the path', 'use printable characters only') },
  { status: [400], when: isHttpsHint, is: fails('CONFIGURATION', 'the server speaks https', 'write https:// in `url`') },
  { status: [400], when: isOthers, is: notVaults('CONFIGURATION') },
  { status: [400], calls: ['login'], is: refused },
  { status: [400], when: saying('from non-versioned to versioned data'), is: upgrading },
  { status: [400], when: isCasMismatch, is: fails('VERSION_CONFLICT', 'another version is current', 'read it, and decide anew') },
  { status: [400], when: isCasRequired, is: fails('CONFIGURATION', 'the mount takes no write without a version', 'write with a version') },
  { status: [400], is: fails('INVALID_ARGUMENT', 'Vault refused the request', 'check the path, the value and the tags') },

  { status: [401], is: refused },
  { status: [403], when: isOthers, is: fails('PERMISSION_DENIED', 'something before Vault does not allow it', reachVault) },
  { status: [403], calls: ['login'], is: refused },
  { status: [403], is: fails('PERMISSION_DENIED', "the token's policies do not allow it", 'allow it, or route the name away') },

  { status: [404], calls: ['read', 'write'], when: isAbsence, is: 'answer' },
  { status: [404], when: isDestroyed, is: fails('DELETED', 'the version was destroyed', 'write a new one with `storeSecret`') },
  {
    status: [404],
    when: isDeleted,
    is: fails('DELETED', 'the secret was deleted', 'restore it, or write a new version with `storeSecret`'),
  },
  { status: [404], when: isOtherVersion, is: fails('CONFIGURATION', 'the mount is of another version of KV', 'correct `kvVersion`') },
  { status: [404], when: isVaults, is: fails('CONFIGURATION', 'there is no such mount or namespace', 'correct `mount` or `namespace`') },
  { status: [404], is: notVaults('CONFIGURATION') },

  { status: [405, 415], is: fails('CONFIGURATION', 'the server does not know this operation on this path', 'check that `mount` is of KV') },
  { status: [412], is: behind },
  { status: [413], is: fails('INVALID_ARGUMENT', 'the request is too large for the server', 'store less') },
  { status: [429], when: isAbsence, is: behind },
  { status: [429], is: fails('RATE_LIMITED', 'a rate limit is exceeded', 'ask less often, or raise the quota') },
  { status: [472, 473], is: outage('the node is a standby that answers no such request', 'point `url` at the active cluster') },

  { status: [501], is: outage('Vault is not initialised', 'initialise and unseal it') },
  // A standby that knew a leader, failed to pass the request on, and then knows none.
  { status: [503], when: saying('no active'), is: leaderless },
  { status: [503], when: isVaults, is: outage('Vault is sealed', 'unseal it') },
  { status: [500], when: saying('node not active'), is: leaderless },
  { status: [500], is: broken('the server failed') },
  { status: [502, 503, 504], is: broken('what is before Vault cannot reach it') },
  { status: () => true, is: unknown },
]

/** What is wrong; `undefined` for an answer: what was asked for, or (404) that it does not exist. */
export function classify(answer: VaultAnswer, call: CallKind): Outcome | undefined {
  const row = table.find(({ status, calls, when }) => {
    const hasStatus = typeof status === 'function' ? status(answer.status) : status.includes(answer.status)
    return hasStatus && (calls?.includes(call) ?? true) && (when?.(answer) ?? true)
  })
  return row === undefined || row.is === 'answer' ? undefined : row.is
}

function saying(phrase: string): (answer: VaultAnswer) => boolean {
  return (answer) => says(answer, 'errors', phrase)
}

/** How Go's server, nginx and Apache answer plain http on a port of https. */
const httpsHints = ['HTTP request to an HTTPS server', 'plain HTTP request was sent to HTTPS port', 'plain HTTP to an SSL-enabled server']

function isHttpsHint({ text }: VaultAnswer): boolean {
  return httpsHints.some((hint) => text.includes(hint))
}

function isCasMismatch(answer: VaultAnswer): boolean {
  return answer.status === 400 && says(answer, 'errors', 'check-and-set parameter did not match')
}

export function isCasRequired(answer: VaultAnswer): boolean {
  return answer.status === 400 && says(answer, 'errors', 'check-and-set parameter required')
}

/** A KV mount that is asked as the other version of KV. */
export function isOtherVersion(answer: VaultAnswer): boolean {
  return answer.status === 404 && says(answer, 'warnings', 'Invalid path for a versioned K/V')
}

/** Vault's own shape: an object with errors, or with data, or what a login gives. */
export function isVaults({ body }: VaultAnswer): boolean {
  return (
    Array.isArray(body?.['errors']) || isObject(body?.['data']) || isObject(body?.['auth']) || (body !== undefined && 'request_id' in body)
  )
}

function isOthers(answer: VaultAnswer): boolean {
  return !isVaults(answer)
}

/** What Vault answers to a path with characters that cannot be printed. */
function isEmpty({ text }: VaultAnswer): boolean {
  return text === ''
}

/** `{"errors":[]}` and nothing beside it. */
export function isAbsence({ body }: VaultAnswer): boolean {
  const errors = body?.['errors']
  return Array.isArray(errors) && errors.length === 0 && Object.keys(body ?? {}).length === 1
}

function isDestroyed({ body }: VaultAnswer): boolean {
  return member(body, 'data', 'metadata', 'destroyed') === true
}

/** Or past the time that it was to be deleted at. */
function isDeleted({ body }: VaultAnswer): boolean {
  const time = member(body, 'data', 'metadata', 'deletion_time')
  return typeof time === 'string' && time !== ''
}
