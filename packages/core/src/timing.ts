export { LoadAwareClock } from './guard/load-aware-clock.ts'
