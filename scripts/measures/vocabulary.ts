/** Names of the old vocabulary, each with its successor in docs/glossary.md. */
const oldNames: Readonly<Record<string, string>> = {
  Walk: 'fallback traversal',
  Link: 'chain entry',
  Kinship: 'siblings',
  kin: 'siblings',
  Place: 'location',
  CachedStore: 'ProviderCache',
  Horizon: 'high-water mark',
  horizon: 'high-water mark',
  Untold: 'pending invalidations',
  untold: 'pending invalidations',
  Suspects: 'blocked paths',
  suspects: 'blocked paths',
  Rights: 'verified access',
  ownRights: 'requireOwnAccess',
  HeldSecret: 'SecretBytes',
  Shredder: 'Zeroizer',
  shredder: 'Zeroizer',
  Facts: 'metadata',
  noted: 'recordMetadata',
  placed: 'withContext',
  gathered: 'aggregate error',
  GatheredError: 'aggregate error',
  passed: 'recordHit',
  joined: 'recordJoin',
  isWorthAsking: 'shouldRecheck',
  askAnewAfterMs: 'recheckAfterMs',
  drill: 'fault-injection test',
  Drill: 'fault-injection test',
  torture: 'resilience',
  endTurn: 'release of a fill lease',
  electedTurn: 'fill lease',
  ticket: 'lease token',
  Sight: 'probe',
  lookMs: 'recheck interval',
  SharedLevel: 'shared cache',
  PatientStore: 'bounded store',
  takeStep: 'advanceEpoch',
  HeldCheckpoints: 'checkpoint table',
  verdict: 'summary',
  toneOf: 'severity',
  Remnants: 'residue',
  Forgetting: 'SecureErase',
  owe: 'schedule',
  Unanswered: 'TransportError',
  unanswered: 'unresolved error',
  meaningOf: 'classify',
  Meaning: 'Outcome',
  standing: 'token status',
  tendAt: 'renewAt',
  tended: 'renewed',
  memorySeconds: 'recheckSeconds',
}

/** Phrases of the old prose, as they stand in comments and documents. */
const oldPhrases: readonly RegExp[] = [
  /\bin (the|its|their) stead\b/gi,
  /\b[Ww]ho(so)?ever\b/g,
  /\bnobody\b/gi,
  /\bas above\b/gi,
  /\bof which\b/gi,
  /^Of /gm,
  /(?<=[.!?] |^)(The same|Those)\b/gm,
  /\btold\b/gi,
  /\bdrills?\b/gi,
  /\btorture\b/gi,
  /\bthe level\b/gi,
]

export function countNames(identifiers: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of identifiers) if (Object.hasOwn(oldNames, name)) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

export function countPhrases(prose: string): number {
  return oldPhrases.reduce((sum, phrase) => sum + (prose.match(phrase)?.length ?? 0), 0)
}
