export { LoadAwareClock } from './load-aware-clock.ts'
