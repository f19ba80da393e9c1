import { expect, test } from 'vitest';
import { type PromotionWindow, syncWindow } from '../../../model/promotion-window/index.ts';

const newYork: PromotionWindow = {
  timeZone: 'America/New_York',
  days: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'],
  from: '09:30',
  to: '16:00',
};

test('the sync window of Argo CD has the hours, days and zone of the promotion window', () => {
  expect(syncWindow(newYork)).toEqual({
    schedule: '30 9 * * 1,2,3,4,5',
    duration: '6h30m',
    timeZone: 'America/New_York',
  });
});

test('Sunday is day 0, and whole hours have no minutes', () => {
  expect(syncWindow({ ...newYork, days: ['Sun', 'Sat'], from: '00:00', to: '24:00' })).toEqual({
    schedule: '0 0 * * 0,6',
    duration: '24h',
    timeZone: 'America/New_York',
  });
  expect(syncWindow({ ...newYork, from: '09:30', to: '09:45' }).duration).toBe('15m');
});
