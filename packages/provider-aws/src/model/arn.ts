export interface SecretArn {
  readonly region: string
  readonly account: string
  /** Includes AWS's suffix if the ARN is complete. */
  readonly name: string
}

const arnGrammar = /^arn:aws[a-z-]{0,20}:secretsmanager:([a-z0-9-]{1,40}):(\d{12}):secret:([^:]{1,519})$/

export function parseArn(text: string): SecretArn | undefined {
  const [, region = '', account = '', name = ''] = arnGrammar.exec(text) ?? []
  return name === '' ? undefined : { region, account, name }
}

/** The unchecked name and ARN of an answer. */
export interface AnsweredIdentity {
  readonly ARN?: unknown
  readonly Name?: unknown
}

/** Whether `path` (name, ARN or partial ARN) denotes the secret with this name and ARN. */
export function isSameSecret(path: string, { ARN: arn, Name: name }: AnsweredIdentity): boolean {
  return path === name || path === arn || (typeof arn === 'string' && path === arn.slice(0, -suffixLength))
}

/** A hyphen and six random characters that AWS appends. */
const suffixLength = 7

/**
 * The resource for a policy, for an error message. The suffix is unknown; the account too, unless
 * `path` is an ARN.
 */
export function resourceOf(path: string, region: string): string {
  const arn = parseArn(path)
  if (arn !== undefined) return `${path}${/-[A-Za-z0-9]{6}$/.test(path) ? '' : '-??????'}`
  return `arn:${partitionOf(region)}:secretsmanager:${region}:*:secret:${path}-??????`
}

function partitionOf(region: string): string {
  return Object.entries(partitions).find(([prefix]) => region.startsWith(prefix))?.[1] ?? 'aws'
}

/** By prefix of the region; all others are in `aws` (AWS's `partitions.json`). */
const partitions: Readonly<Record<string, string>> = {
  'cn-': 'aws-cn',
  'us-gov-': 'aws-us-gov',
  'us-iso-': 'aws-iso',
  'us-isob-': 'aws-iso-b',
  'us-isof-': 'aws-iso-f',
  'eu-isoe-': 'aws-iso-e',
  'eusc-': 'aws-eusc',
}

/**
 * The shape of region names in all partitions (AWS's `partitions.json`): `eu-west-1`,
 * `us-gov-west-1`.
 */
export function isRegion(text: string): boolean {
  return /^[a-z]{2,4}(-[a-z]{2,12}){1,2}-\d{1,2}$/.test(text)
}
