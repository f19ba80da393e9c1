import '../page/promotion-desk.ts';
